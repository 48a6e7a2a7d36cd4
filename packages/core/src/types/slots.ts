/** The result of asking for a slot. */
export type SlotAnswer =
  | { readonly isTaken: true }
  /** Others have all slots: the ids of their sessions, oldest first. */
  | { readonly isTaken: false; readonly holders: readonly string[] }
  /** Nobody can tell at the moment. */
  | undefined;

/** Returns those of these sessions that are live on this node and have not been quiet for longer than the grace period. */
export type WhoPlays = (ids: readonly string[], graceMs: number) => readonly string[];

/** Slots that all nodes of a cluster share. A slot belongs to a session, however many nodes that is on. */
export interface SharedSlots {
  /** What happens while nobody can tell: decided locally, or refused. */
  readonly whenAlone: 'local' | 'refuse';
  /**
   * Takes a slot of `key` for the session `id` if fewer than `max` sessions have one; a session that already has one keeps it.
   * When all are taken, the nodes that hold them are asked who is playing: a session that has been quiet for longer than the
   * grace period loses its slot.
   */
  take(key: string, id: string, limit: { readonly max: number; readonly graceMs: number }): Promise<SlotAnswer>;
  /**
   * The session was admitted without asking, and counts from now on. If there are more than `max`, the newest soon ends as
   * `limit`.
   */
  hold(key: string, id: string, max: number): void;
  /** This node no longer holds the slot. */
  give(key: string, id: string): void;
  /** What other nodes are told when they ask. Returns a function that ends this. */
  answer(whoPlays: WhoPlays): () => void;
}
