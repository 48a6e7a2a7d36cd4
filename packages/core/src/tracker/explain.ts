import { withoutAbsent } from '../model/wire.js';
import type { Registry } from '../registry/registry.js';
import type { Session } from '../registry/session.js';
import type { Explanation } from './explanation.js';
import type { Settings } from './settings.js';

/** Why a live session, else the latest closed one with this id, is what it is. */
export function explainSession(id: string, registry: Registry, settings: Settings): Explanation | undefined {
  const live = registry.get(id);
  if (live !== undefined) return explainLive(live, settings);
  const closed = registry.closed.get(id);
  if (closed === undefined) return undefined;
  const { kind, namedBy, closedAt, closeReason, closeDetail } = closed;
  return withoutAbsent({ id, kind, namedBy, policies: [], closedAt, closeReason, closeDetail }) as Explanation;
}

function explainLive(session: Session, settings: Settings): Explanation {
  const { id, kind, namedBy, rare } = session;
  const { maxLifetimeMs } = settings;
  return withoutAbsent({
    id,
    kind,
    namedBy,
    recipe: session.home === undefined ? undefined : settings.recipes[kind].fields,
    policies: rare?.judgements ?? [],
    idleAt: session.updatedAt + settings.idleTimeoutOf(session),
    expiresAt: rare !== undefined && rare.expiresAt < Infinity ? rare.expiresAt : undefined,
    maxLifetimeAt: maxLifetimeMs > 0 ? session.openedAt + maxLifetimeMs : undefined,
  }) as Explanation;
}
