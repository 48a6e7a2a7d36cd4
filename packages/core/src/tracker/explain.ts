import { withoutAbsent } from '../wire/without-absent.js';
import type { Registry } from '../registry/registry.js';
import { lastWords, matched } from '../session/last-words.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { Session } from '../session/session.js';
import type { Denials } from '../denials/denials.js';
import type { Explanation } from '../types/explanation.js';
import type { Settings } from '../settings/settings.js';

/** The parts that an explanation is made from. */
export interface ExplainParts {
  readonly registry: Registry;
  readonly settings: Settings;
  readonly denials: Denials;
  readonly lifecycle: Lifecycle;
}

/** Explains the live session with this id, otherwise the latest closed one, otherwise the denial. */
export function explain(id: string, parts: ExplainParts): Explanation | undefined {
  const { registry, denials, settings } = parts;
  const live = registry.get(id);
  if (live !== undefined) return explainLive(live, parts);
  const closed = registry.closed.get(id);
  if (closed === undefined) return denials.explain(id);
  const { kind, namedBy, closedAt, closeReason, closeDetail } = closed;
  const words = closed instanceof Session ? lastWords(closed, settings.recipes[kind]) : undefined;
  const why = words ?? { policies: [] };
  return withoutAbsent({ id, kind, namedBy, ...why, closedAt, closeReason, closeDetail }) as unknown as Explanation;
}

function explainLive(session: Session, { settings, lifecycle }: ExplainParts): Explanation {
  const { id, kind, namedBy, rare, group } = session;
  const { maxLifetimeMs } = settings;
  const recipe = settings.recipes[kind];
  const before = (time: number | undefined): number | undefined => (time === Infinity ? undefined : time);
  return withoutAbsent({
    id,
    kind,
    namedBy,
    recipe: group === undefined ? undefined : recipe.fields,
    matched: group === undefined ? undefined : matched(session, recipe),
    policies: rare?.policyDecisions ?? [],
    waitingFor: rare?.asking,
    reviewAt: before(rare?.reviewAt),
    idleAt: lifecycle.deadlines.idleAt(session),
    expiresAt: before(rare?.expiresAt),
    maxLifetimeAt: maxLifetimeMs > 0 ? session.openedAt + maxLifetimeMs : undefined,
  }) as Explanation;
}
