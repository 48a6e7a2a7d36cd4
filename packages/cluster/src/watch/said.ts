import type { SessionChangedEvent, VisitEvents } from '@stream-sessions/core';

/** The events that a watching node receives from others. */
export const WATCHED = ['opened', 'closed', 'changed', 'denied', 'source'] as const;
export type WatchedName = (typeof WATCHED)[number];

/** One event of one node. */
export type Said = {
  [E in WatchedName]: {
    readonly name: E;
    readonly event: VisitEvents[E];
    /** For `changed`: the identity group of the visit. */
    readonly place?: string | undefined;
  };
}[WatchedName];

export type Changed = Said & { readonly name: 'changed'; readonly event: SessionChangedEvent };

/** What a node reports to watchers in one batch. */
export interface Batch {
  /** The reporting incarnation. */
  readonly from: string;
  /** Identifies the counter of the batches: it stays the same when the process rejoins. */
  readonly by: string;
  /** The number of the batch, increasing by one. */
  readonly n: number;
  readonly said: readonly Said[];
}

/** The answer of a node that is asked to report. */
export interface Watched {
  /** It had not reported anything to this watcher so far. */
  readonly isNew: boolean;
  readonly by: string;
  /** The number of the latest batch. */
  readonly n: number;
}
