import type { SessionData } from './session-data.js';

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** A pass as a store keeps it. Plain JSON. */
export interface Pass extends SessionData {
  readonly id: string;
  readonly owner: string;
  /** Until when its owner's watching was billed to it, epoch milliseconds; null: it was not used yet. */
  readonly billedUntil: number | null;
  /** When it was ended before its time, epoch milliseconds; null: it was not. */
  readonly endedAt: number | null;
  /** The last spending of each writer that was counted: at most 16 writers, the latest ones. */
  readonly ops: Readonly<Record<string, number>>;
  /** A hash of what it was bought with, if it was created with a key. */
  readonly terms?: string;
  /** The keys of top-ups that were counted, each with its `terms`: at most 64, the latest ones. */
  readonly topUps?: Readonly<Record<string, string>>;
}

/** A stretch of watching to take off a pass. Times are epoch milliseconds. */
export interface Spending {
  /** Who says so: one name for each process and start. */
  readonly writer: string;
  /** Goes up with each spending of this writer on this pass: one that was counted before counts no more. */
  readonly op: number;
  readonly from: number;
  readonly to: number;
  /** Bytes, both directions. */
  readonly bytes: number;
  /** When the pass began, if it had not begun before. */
  readonly startedAt: number;
  /** The writer's clock at the moment of the call. */
  readonly now: number;
}

/** What may be changed of a pass. */
export interface PassChange {
  /** Seconds more. */
  readonly addSecs?: number;
  /** Megabytes more. */
  readonly addMb?: number;
  /** Days more, for a pass that expires. */
  readonly addDays?: number;
  /** It ends now, unless it has ended before. Epoch milliseconds. */
  readonly endedAt?: number;
  /** It counts once: when the pass has this key among its `topUps`, nothing changes. `terms` says what it was used for. */
  readonly once?: { readonly key: string; readonly terms: string };
}

/**
 * Where passes are kept. Every method is one atomic step, for all processes that share the store: two that spend, change or
 * add at the same time both count, and neither undoes the other. Answer without a promise if you can: admission is then
 * synchronous. `passStoreContract` of `@stream-sessions/passes/testing` checks all of this.
 */
export interface PassStore {
  /** Keeps it, and returns it; or the pass that has this id already, untouched. */
  add(pass: Pass): Awaitable<Pass>;
  get(id: string): Awaitable<Pass | undefined>;
  /** All passes of an owner, in any order. */
  list(owner: string): Awaitable<readonly Pass[]>;
  /** `applySpending` to what is kept. Undefined: there is no such pass. */
  spend(id: string, spending: Spending): Awaitable<Pass | undefined>;
  /** `applyChange` to what is kept. Undefined: there is no such pass. */
  change(id: string, change: PassChange): Awaitable<Pass | undefined>;
  /** Everything that was promised is kept by the time this resolves. */
  close?(): Awaitable<void>;
}
