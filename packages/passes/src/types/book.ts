import type { Clock, Logger, PlaySession } from '@stream-sessions/core';
import type { Expiry, Over } from '../rules/availability.js';
import type { PassProvider } from './source.js';
import type { Pass, PassStore } from './store.js';

/** Megabits per second; absent or 0: no limit. */
export interface Speed {
  downMbits?: number;
  upMbits?: number;
}

/** Options of `passBook`. Everything has a default. */
export interface PassBookOptions {
  /** Where passes are kept. Default: in memory, gone with the process. */
  store?: PassStore;
  /** Who else sells passes: asked in this order, before the book's own. Default: nobody. */
  providers?: readonly PassProvider[];
  /** One that has not answered by then is passed over, in milliseconds. All together have to fit into `policyTimeoutMs`. Default 2_000. */
  providerTimeoutMs?: number;
  /** How much watching may be unsaved, in milliseconds: what a crash loses at the most. From 100; default 15_000. */
  saveEveryMs?: number;
  /**
   * A pause of an owner that is no longer than this counts as watched, in milliseconds: players fetch ahead. Never less
   * than the tracker's idle timeout. Default 60_000.
   */
  pauseAfterMs?: number;
  /** The limits of passes with `useGlobalSpeed`. Default: none. `setGlobalSpeed()` changes them. */
  globalSpeed?: Speed;
  /** Whether a pass lasts `timeSecs` and its days (`time-and-days`, the default), or its days only (`days-only`). */
  expiry?: Expiry;
  /** Default: the wall clock. */
  clock?: Clock;
  /** Default: warnings and errors to stderr. */
  logger?: Logger;
}

/** What is left of the pass that an owner is using up, or would begin with. */
export interface Remaining {
  readonly pass: Pass;
  /** Seconds; absent where time does not count. */
  readonly seconds?: number;
  /** Bytes; absent where data does not count. */
  readonly bytes?: number;
  /** When it expires whatever is left, epoch milliseconds; null: never, or it has not begun. */
  readonly expiresAt: number | null;
  /** When it ends if its owner goes on watching from now, epoch milliseconds; null: time does not end it. */
  readonly endsAt: number | null;
  /** Somebody is watching on it. */
  readonly isPlaying: boolean;
}

/** What the listeners of a book are told. */
export interface PassEvents {
  /** An owner's viewer has begun to watch. `pass`: on which; undefined where none is required. */
  connected: { readonly owner: string; readonly session: PlaySession; readonly pass: Pass | undefined };
  /** It has ended; everything is billed. */
  disconnected: { readonly owner: string; readonly session: PlaySession; readonly pass: Pass | undefined };
  /** Something was taken off a pass, and is saved. */
  spent: { readonly owner: string; readonly pass: Pass };
  /** A pass can no longer be used. */
  exhausted: { readonly owner: string; readonly pass: Pass; readonly reason: Over };
}
