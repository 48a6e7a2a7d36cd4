/** What became of asking for a slot. */
export type SlotAnswer =
  | { readonly isTaken: true }
  /** Others have them all: the ids of their sessions, the oldest first. */
  | { readonly isTaken: false; readonly holders: readonly string[] }
  /** Nobody can tell now. */
  | undefined;

/** Which of these sessions are live on this node, and have been quiet for no longer than the grace. */
export type WhoPlays = (ids: readonly string[], graceMs: number) => readonly string[];

/** Slots that all nodes of a cluster share. A slot belongs to a session, whatever number of nodes it is on. */
export interface SharedSlots {
  /** What is decided while nobody can tell: as on one node, or no. */
  readonly whenAlone: 'local' | 'refuse';
  /**
   * A slot of `key` for the session `id`, if fewer than `max` sessions have one; one that it has already is the same slot.
   * When all are taken, the nodes that have them are asked who plays: who has been quiet for longer than the grace goes.
   */
  take(key: string, id: string, limit: { readonly max: number; readonly graceMs: number }): Promise<SlotAnswer>;
  /**
   * The session has been let in without asking, and counts from now on. If there are more than `max`, the newest ends soon, as
   * `limit`.
   */
  hold(key: string, id: string, max: number): void;
  /** This node does not hold it any more. */
  give(key: string, id: string): void;
  /** What others are told who ask. Returns what ends that. */
  answer(whoPlays: WhoPlays): () => void;
}
