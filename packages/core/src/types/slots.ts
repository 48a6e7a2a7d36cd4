/** The result of asking for a slot. */
export type SlotAnswer =
  /** `replaces`: the ids of sessions that have to end when this one opens. Absent: none. */
  | { readonly isTaken: true; readonly replaces?: readonly string[] }
  /** Others have all slots: the ids of their sessions, oldest first. */
  | { readonly isTaken: false; readonly holders: readonly string[] }
  /** Nobody can tell at the moment. */
  | undefined;

/** How many sessions may have a slot of a key, and what happens when one more asks. */
export interface SlotLimit {
  readonly max: number;
  /** A session that has been quiet for longer loses its slot first. Milliseconds. */
  readonly graceMs: number;
  /** Default `reject`. */
  readonly onExceed?: 'reject' | 'replace-oldest' | 'replace-newest';
}

/** Returns those of these sessions that are live on this node and have not been quiet for longer than the grace period. */
export type WhoPlays = (ids: readonly string[], graceMs: number) => readonly string[];

/** Slots that all nodes of a cluster share. A slot belongs to a session, however many nodes that is on. */
export interface SharedSlots {
  /** What happens while nobody can tell: decided locally, or refused. */
  readonly whenAlone: 'local' | 'refuse';
  /**
   * Takes a slot of `key` for the session `id` if fewer than `max` sessions have one; a session that already has one keeps it.
   * When all are taken, the nodes that hold them are asked who is playing: a session that has been quiet for longer than the
   * grace period loses its slot. Otherwise, where `onExceed` is to replace, the same step chooses sessions by their opening
   * times, and they no longer count. They count again if this session gives its slot back. The caller ends them: see
   * `Approval.replace`.
   */
  take(key: string, id: string, limit: SlotLimit): Promise<SlotAnswer>;
  /**
   * The session was admitted without asking, and counts from now on. If there are more than `max`, the newest soon ends as
   * `limit`; where `onExceed` is to replace, those end whose place others have taken, as `replaced`.
   */
  hold(key: string, id: string, limit: SlotLimit): void;
  /** This node no longer holds the slot. */
  give(key: string, id: string): void;
  /** What other nodes are told when they ask. Returns a function that ends this. */
  answer(whoPlays: WhoPlays): () => void;
}
