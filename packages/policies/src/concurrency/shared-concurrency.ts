import type { Candidate, PlaySession, Policy, TrackerView, Verdict } from '@stream-sessions/core';
import type { SharedSlots, SlotLimit } from '@stream-sessions/core/spi';
import { YES } from '../support/kinds.js';
import { keysOf, type Per } from './keys.js';

/** The part of a cluster that a limit needs: `joinCluster()` returns one. */
export interface SlotsOfCluster {
  readonly slots: SharedSlots;
}

export interface SharedLimit {
  readonly per: Per;
  readonly max: number;
  readonly onExceed: NonNullable<SlotLimit['onExceed']>;
  readonly graceMs: number;
  /** Undefined: it has not joined yet. */
  readonly cluster: () => SlotsOfCluster | undefined;
}

/** A slot taken for a viewer about whom other policies are still deciding. */
interface Taken {
  readonly key: string;
  readonly id: string;
  readonly slots: SharedSlots;
}

/**
 * The same limit over all nodes of a cluster: a slot belongs to a session, whichever nodes it is on. While the cluster cannot
 * answer, the cluster's `whenAlone` applies: `local` uses the single-node policy, which knows all sessions here.
 */
export class SharedConcurrency implements Policy {
  readonly stage = 'concurrency';
  private readonly taken = new Map<Candidate, readonly Taken[]>();
  /** Keyed by session. */
  private readonly heldBy = new Map<string, { readonly keys: readonly string[]; readonly limit: SlotLimit }>();
  private view: TrackerView | undefined;
  private answering: SharedSlots | undefined;

  constructor(
    readonly name: string,
    private readonly local: Policy,
    private readonly limit: SharedLimit,
  ) {}

  admit(candidate: Candidate, view: TrackerView): Verdict | Promise<Verdict> {
    this.view = view;
    const keys = keysOf(this.limit.per, candidate);
    const own = candidate.session?.id ?? candidate.continues;
    const holds = own === undefined ? undefined : this.heldBy.get(own)?.keys;
    if (keys.every((key) => holds?.includes(key))) return YES;
    const slots = this.slots();
    if (slots === undefined) return this.alone(candidate, view);
    return this.takeAll(candidate, view, slots, keys, own ?? candidate.id ?? '');
  }

  settled(candidate: Candidate, session: PlaySession | undefined): void {
    this.local.settled?.(candidate, session);
    const keys = keysOf(this.limit.per, candidate);
    for (const { key, id, slots } of this.taken.get(candidate) ?? []) {
      if (session?.id === id || this.heldBy.get(id)?.keys.includes(key)) continue;
      // the opening failed, or led to a session with another id
      slots.give(key, id);
    }
    this.taken.delete(candidate);
    if (session !== undefined && keys.length > 0) this.hold(session.id, keys, this.limitOf(candidate));
  }

  closed(session: PlaySession): void {
    this.local.closed?.(session);
    this.hold(session.id, [], this.limitOf());
  }

  private slots(): SharedSlots | undefined {
    const slots = this.limit.cluster()?.slots;
    if (slots !== undefined && slots !== this.answering) {
      this.answering = slots;
      slots.answer((ids, graceMs) => ids.filter((id) => this.plays(id, graceMs)));
      // those that came before it had joined
      for (const [id, { keys, limit }] of this.heldBy) for (const key of keys) slots.hold(key, id, limit);
    }
    return slots;
  }

  private plays(id: string, graceMs: number): boolean {
    const { view } = this;
    const at = view?.activeAt(id);
    return view !== undefined && at !== undefined && view.now - at <= graceMs;
  }

  private async takeAll(
    candidate: Candidate,
    view: TrackerView,
    slots: SharedSlots,
    keys: readonly string[],
    id: string,
  ): Promise<Verdict> {
    const limit = this.limitOf(candidate);
    const taken: Taken[] = [];
    const replaces: string[] = [];
    for (const key of keys) {
      const answer = await slots.take(key, id, limit);
      if (answer?.isTaken === true) {
        taken.push({ key, id, slots });
        replaces.push(...(answer.replaces ?? []));
        continue;
      }
      for (const each of taken) if (!this.heldBy.get(id)?.keys.includes(each.key)) slots.give(each.key, id);
      if (answer === undefined) return this.alone(candidate, view, slots.whenAlone);
      return refused(limit.max, this.limit.per, answer.holders);
    }
    this.taken.set(candidate, taken);
    // They end when it opens or is first served: until then, other policies may still refuse it.
    return replaces.length === 0 ? YES : { allow: true, replace: () => replaces };
  }

  private alone(candidate: Candidate, view: TrackerView, how: SharedSlots['whenAlone'] = 'local') {
    if (how === 'local') return this.local.admit?.(candidate, view) ?? YES;
    const detail = 'it is not known now who has a slot';
    return { allow: false, reason: 'overload', kind: 'overload', detail, denyForMs: 0 } as const;
  }

  /** The session has slots for these keys, and for no others, even if it was admitted without asking the cluster. */
  private hold(id: string, keys: readonly string[], limit: SlotLimit): void {
    const slots = this.slots();
    for (const key of this.heldBy.get(id)?.keys ?? []) if (!keys.includes(key)) slots?.give(key, id);
    if (keys.length === 0) this.heldBy.delete(id);
    else this.heldBy.set(id, { keys, limit });
    for (const key of keys) slots?.hold(key, id, limit);
  }

  private limitOf(candidate?: Candidate): SlotLimit {
    const { per, max, graceMs, onExceed } = this.limit;
    return { max: (per === 'user' ? candidate?.maxSessions : undefined) ?? max, graceMs, onExceed };
  }
}

const refused = (max: number, per: Per, holders: readonly string[]): Verdict => ({
  allow: false,
  reason: 'limit',
  kind: 'limit',
  detail: `${max} at a time per ${per}`,
  denyForMs: 0,
  ...(per === 'user' && { conflicts: holders.slice(0, 32) }),
});
