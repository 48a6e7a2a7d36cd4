import type { SessionData } from './session-data.js';

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** A pass in the form in which a store holds it. Plain JSON. */
export interface Pass extends SessionData {
  readonly id: string;
  readonly owner: string;
  /** Until when its owner's watching was billed to it, in epoch milliseconds; null: it has not been used yet. */
  readonly billedUntil: number | null;
  /** When it was ended early, in epoch milliseconds; null: it was not. */
  readonly endedAt: number | null;
  /** The last spending counted for each writer: at most 16 writers, the most recent ones. */
  readonly ops: Readonly<Record<string, number>>;
  /** A hash of the terms on which it was bought, if it was created with a key. */
  readonly terms?: string;
  /** The keys of counted top-ups, each with its `terms`: at most 64, the most recent ones. */
  readonly topUps?: Readonly<Record<string, string>>;
}

/** A stretch of watching to deduct from a pass. Times are epoch milliseconds. */
export interface Spending {
  /** Who reports it: one name per process and start. */
  readonly writer: string;
  /** Increases with each spending of this writer on this pass: one that was counted before does not count again. */
  readonly op: number;
  readonly from: number;
  readonly to: number;
  /** Bytes, in both directions. */
  readonly bytes: number;
  /** When the pass begins, if it has not begun already. */
  readonly startedAt: number;
  /** The writer's clock at the moment of the call. */
  readonly now: number;
}

/** Possible changes to a pass. */
export interface PassChange {
  /** Additional seconds. */
  readonly addSecs?: number;
  /** Additional megabytes. */
  readonly addMb?: number;
  /** Additional days, for a pass that expires. */
  readonly addDays?: number;
  /** It ends now, unless it has ended before. Epoch milliseconds. */
  readonly endedAt?: number;
  /** It counts once: if the pass has this key among its `topUps`, nothing changes. `terms` says what it is used for. */
  readonly once?: { readonly key: string; readonly terms: string };
}

/**
 * Where passes are stored. Every method is atomic, for all processes that share the store: concurrent spendings, changes and
 * additions all count, and none undoes another. Answer without a promise if you can: admission is then synchronous.
 * `passStoreContract` of `@stream-sessions/passes/testing` checks all of this.
 */
export interface PassStore {
  /** Stores the pass and returns it; or returns the existing pass with this id, unchanged. */
  add(pass: Pass): Awaitable<Pass>;
  get(id: string): Awaitable<Pass | undefined>;
  /** All passes of an owner, in any order. */
  list(owner: string): Awaitable<readonly Pass[]>;
  /** Applies `applySpending` to the stored pass. Undefined: there is no such pass. */
  spend(id: string, spending: Spending): Awaitable<Pass | undefined>;
  /** Applies `applyChange` to the stored pass. Undefined: there is no such pass. */
  change(id: string, change: PassChange): Awaitable<Pass | undefined>;
  /** Resolves when everything promised has been stored. */
  close?(): Awaitable<void>;
}
