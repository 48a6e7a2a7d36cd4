import type { DenialEntry } from '../denials/denial-entry.js';
import { idsOf, type Decision, type Pipeline } from '../policy/pipeline.js';
import type { Registry } from '../registry/registry.js';
import { setHot } from '../session/hot-fields.js';
import type { Session } from '../session/session.js';
import type { Denials } from '../denials/denials.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';

/** The sessions that must end so that another can open or continue. */
export interface Room {
  /** The original decision; a refusal if a policy failed to say which sessions must end. */
  readonly decision: Decision;
  readonly replaced: readonly Session[];
  readonly released: readonly Session[];
  /** Ids of sessions to be replaced that are not live here: other nodes may have them. */
  readonly elsewhere: readonly string[];
}

/** No session has to end. */
export const noRoom = (decision: Decision): Room => ({ decision, replaced: [], released: [], elsewhere: [] });

/** Whether a session has to end here. */
export const endsAny = ({ replaced, released }: Room): boolean => replaced.length + released.length > 0;

/** Makes room for a session by ending others, as the policies say. */
export class Evictions {
  constructor(
    private readonly registry: Registry,
    private readonly denials: Denials,
    private readonly lifecycle: Lifecycle,
    private readonly pipeline: Pipeline,
  ) {}

  /** Finds the sessions that must end. A policy that fails to name them counts as having refused. */
  roomFor(decision: Decision, live: Session | undefined): Room {
    const { verdict, approvals } = decision;
    const room = noRoom(decision);
    if (!verdict.allow || (verdict.replace === undefined && verdict.release === undefined)) return room;
    const others = (ids: readonly string[]): Session[] =>
      ids
        .map((id) => this.registry.get(id))
        .filter((session) => session !== undefined && session !== live) as Session[];
    try {
      const ids = idsOf(verdict.replace);
      const elsewhere = ids.filter((id) => this.registry.get(id) === undefined);
      return { decision, replaced: others(ids), released: others(idsOf(verdict.release)), elsewhere };
    } catch (error) {
      const { policy } = approvals.at(-1) as Decision['approvals'][number];
      const refusal = this.pipeline.failure(policy, 'it threw when it was asked whom to replace', error);
      return { ...room, decision: { ...decision, verdict: refusal, refusedBy: policy } };
    }
  }

  /** Makes room for a session that continues. */
  makeFor(session: Session, room: Room): void {
    this.denials.replaced.whileLives(session, this.make(room, session.id));
  }

  /** The same, but once something is served to the session. If a policy then fails to name the sessions to end, this one ends. */
  makeWhenServed(session: Session, decision: Decision): void {
    setHot(session, 'onServed', () => {
      // As at opening: policies that name the sessions to end do not see this one yet.
      this.registry.unserved.delete(session);
      const room = this.roomFor(decision, session);
      // but whoever hears that they ended may stop the tracker, or deny this one
      this.registry.unserved.insert(session);
      const { verdict } = room.decision;
      if (verdict.allow) this.makeFor(session, room);
      else this.lifecycle.close(session, verdict.reason, { detail: verdict.detail });
    });
  }

  /**
   * Returns the denials of the replaced sessions: they hold for as long as the session that replaced them lives.
   *
   * @param by the id of that session
   */
  make({ replaced, released, elsewhere }: Room, by: string): DenialEntry[] {
    for (const session of released) this.lifecycle.close(session, 'idle', { detail: 'another has taken its place' });
    for (const id of elsewhere) this.denials.replaced.shared?.elsewhere(id, by);
    return replaced.flatMap((session) => this.replace(session, by));
  }

  /** Ends one session, for one that may be on another node. */
  replace(session: Session, by: string): DenialEntry[] {
    const { replaced } = this.denials;
    // The denial comes first, as with a kick. Denials held by a session that is itself replaced pass to its replacement.
    const denials = [...replaced.inherit(session), replaced.deny(session, by)];
    this.lifecycle.close(session, 'replaced');
    return denials;
  }
}
