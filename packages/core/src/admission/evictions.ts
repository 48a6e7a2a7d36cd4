import type { DenialEntry } from '../denials/denial-table.js';
import { idsOf, type Decision, type Pipeline } from '../policy/pipeline.js';
import type { Registry } from '../registry/registry.js';
import { setHot } from '../session/hot-fields.js';
import type { Session } from '../session/session.js';
import type { Denials } from '../denials/denials.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';

/** Who has to go so that another can open, or go on. */
export interface Room {
  /** As it was; a refusal, where a policy failed to say who. */
  readonly decision: Decision;
  readonly replaced: readonly Session[];
  readonly released: readonly Session[];
}

/** Nobody has to go. */
export const noRoom = (decision: Decision): Room => ({ decision, replaced: [], released: [] });

/** Makes room for one session by ending others, as policies say. */
export class Evictions {
  constructor(
    private readonly registry: Registry,
    private readonly denials: Denials,
    private readonly lifecycle: Lifecycle,
    private readonly pipeline: Pipeline,
  ) {}

  /** Who has to go. A policy that fails to say has refused. */
  roomFor(decision: Decision, live: Session | undefined): Room {
    const { verdict, approvals } = decision;
    const room = noRoom(decision);
    if (!verdict.allow || (verdict.replace === undefined && verdict.release === undefined)) return room;
    const others = (ids: readonly string[]): Session[] =>
      ids
        .map((id) => this.registry.get(id))
        .filter((session) => session !== undefined && session !== live) as Session[];
    try {
      return { decision, replaced: others(idsOf(verdict.replace)), released: others(idsOf(verdict.release)) };
    } catch (error) {
      const { policy } = approvals.at(-1) as Decision['approvals'][number];
      const refusal = this.pipeline.failure(policy, 'it threw when it had to say who is replaced', error);
      return { ...room, decision: { ...decision, verdict: refusal, refusedBy: policy } };
    }
  }

  /** Makes it for a session that goes on. */
  makeFor(session: Session, room: Room): void {
    this.denials.replaced.whileLives(session, this.make(room));
  }

  /** The same when something is served to it. A policy that then fails to say who has to go ends it. */
  makeWhenServed(session: Session, decision: Decision): void {
    setHot(session, 'onServed', () => {
      // As when it opens: those who say who has to go do not see it yet.
      this.registry.unserved.delete(session);
      const room = this.roomFor(decision, session);
      const { verdict } = room.decision;
      if (verdict.allow) this.makeFor(session, room);
      else this.lifecycle.close(session, verdict.reason, { detail: verdict.detail });
    });
  }

  /** Returns the denials of who was replaced: they hold as long as the session that replaced them lives. */
  make({ replaced, released }: Room): DenialEntry[] {
    for (const session of released) this.lifecycle.close(session, 'idle', { detail: 'another has taken its place' });
    // The denial first, as with a kick. Who was kept out for one that is replaced itself, stays out for the next.
    return replaced.flatMap((session) => {
      const denials = [...this.denials.replaced.inherit(session), this.denials.replaced.deny(session)];
      this.lifecycle.close(session, 'replaced');
      return denials;
    });
  }
}
