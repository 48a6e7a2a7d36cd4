import { ResolvedHit } from '../identity/resolved-hit.js';
import { check, tidyConnection } from '../identity/tidy.js';
import { TrackedConnection } from '../lifecycle/handles.js';
import { sessionExists } from '../lifecycle/lifecycle.js';
import type { Admission, Closer, ConnHandle, PendingAdmission } from '../types/admission.js';
import type { FoundVisit } from '../types/cluster.js';
import type { ConnHit } from '../types/hit.js';
import type { PlaySession } from '../types/play-session.js';
import type { Parts } from './assemble.js';
import { onceFound } from './once.js';

/** Handles incoming connections: each is a session of its own, unless its token merges it with others. */
export class Connections {
  constructor(private readonly parts: Parts) {}

  /** Records a connection that is already playing. */
  open(raw: ConnHit): { session: PlaySession | null; closer: Closer } {
    const { resolver, admissions, lifecycle, clock } = this.parts;
    const resolved = this.resolve(raw);
    const joins = resolver.merged(resolved);
    const session = admissions.record(resolved, joins);
    const closer = new TrackedConnection(lifecycle, session, clock.now());
    return { session: session === undefined ? null : lifecycle.copy(session), closer };
  }

  /** `asked`: the cluster's answer; null: nobody could tell. */
  admit(raw: ConnHit, asked?: FoundVisit | null): Admission<ConnHandle> | PendingAdmission<ConnHandle> {
    const { resolver, admissions, denials, lifecycle, visits, clock } = this.parts;
    const resolved = this.resolve(raw);
    let joins = resolver.merged(resolved);
    if (joins === undefined && resolved.groupKey !== undefined) {
      const question = asked === undefined ? visits.ask(resolved) : undefined;
      if (question !== undefined) return onceFound(question, this.parts, (found) => this.admit(raw, found));
      if (asked) joins = resolver.belongsTo(resolved, asked);
    }
    if (joins !== undefined && !admissions.mustAsk(joins, resolved.hit, false, resolved.recipe, resolved.network)) {
      const refused = denials.match(resolved, joins);
      if (refused !== undefined) return refused;
      lifecycle.activity.joinAs(joins, resolved);
      return new TrackedConnection(lifecycle, joins, clock.now());
    }
    return admissions.decide(resolved, joins);
  }

  private resolve(raw: ConnHit): ResolvedHit {
    const { settings, registry } = this.parts;
    const hit = tidyConnection(raw);
    check(hit, 'remoteAddress');
    if (hit.id !== undefined && registry.get(hit.id) !== undefined) throw sessionExists(hit.id);
    return ResolvedHit.ofConnection(hit, settings.recipes[hit.kind ?? 'viewer'], settings);
  }
}
