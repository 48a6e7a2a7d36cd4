import type { SessionChangedEvent, VisitEvents } from '@stream-sessions/core';

/** The events that a watching node hears of others. */
export const WATCHED = ['opened', 'closed', 'changed', 'denied', 'source'] as const;
export type WatchedName = (typeof WATCHED)[number];

/** One event of one node. */
export type Said = {
  [E in WatchedName]: {
    readonly name: E;
    readonly event: VisitEvents[E];
    /** Of `changed`: the identity group of the visit. */
    readonly place?: string | undefined;
  };
}[WatchedName];

export type Changed = Said & { readonly name: 'changed'; readonly event: SessionChangedEvent };

/** What a node tells those who watch, in one go. */
export interface Batch {
  /** The incarnation that tells. */
  readonly from: string;
  /** Who counts the batches: the same when the process has joined again. */
  readonly by: string;
  /** The number of the batch: one more than that of the one before. */
  readonly n: number;
  readonly said: readonly Said[];
}

/** What a node answers that is asked to tell. */
export interface Watched {
  /** It has not told this watcher anything until now. */
  readonly isNew: boolean;
  readonly by: string;
  /** The number of the latest batch. */
  readonly n: number;
}
