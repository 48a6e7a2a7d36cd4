import type { Clock, Logger, PlaySession } from '@stream-sessions/core';
import type { Expiry, Over } from '../rules/availability.js';
import type { PassProvider } from './source.js';
import type { Pass, PassStore } from './store.js';

/** Megabits per second; absent or 0: no limit. */
export interface Speed {
  downMbits?: number | undefined;
  upMbits?: number | undefined;
}

/** Options of `passBook`. Everything has a default. */
export interface PassBookOptions {
  /** Where passes are stored. Default: in memory, gone with the process. */
  store?: PassStore | undefined;
  /** External sellers of passes: asked in this order, before the book's own passes. Default: none. */
  providers?: readonly PassProvider[] | undefined;
  /**
   * A provider that has not answered by then is skipped, in milliseconds. All of them together have to fit into
   * `policyTimeoutMs`. Default 2_000.
   */
  providerTimeoutMs?: number | undefined;
  /** How much watching may be unsaved, in milliseconds: the most that a crash loses. From 100; default 15_000. */
  saveEveryMs?: number | undefined;
  /**
   * A pause of an owner no longer than this counts as watched, in milliseconds, because players prefetch. Never less than the
   * tracker's idle timeout. Default 60_000.
   */
  pauseAfterMs?: number | undefined;
  /** The limits of passes with `useGlobalSpeed`. Default: none. `setGlobalSpeed()` changes them. */
  globalSpeed?: Speed | undefined;
  /** Whether a pass lasts `timeSecs` plus its days (`time-and-days`, the default), or only its days (`days-only`). */
  expiry?: Expiry | undefined;
  /** Default: the wall clock. */
  clock?: Clock | undefined;
  /** Default: warnings and errors to stderr. */
  logger?: Logger | undefined;
}

/** What is left of the pass that an owner is using, or would begin with. */
export interface Remaining {
  readonly pass: Pass;
  /** Seconds; absent if time does not count. */
  readonly seconds?: number;
  /** Bytes; absent if data does not count. */
  readonly bytes?: number;
  /** When it expires whatever is left, epoch milliseconds; null: never, or it has not begun. */
  readonly expiresAt: number | null;
  /** When it ends if its owner watches from now on, in epoch milliseconds; null: not limited by time. */
  readonly endsAt: number | null;
  /** Somebody is watching on this pass. */
  readonly isPlaying: boolean;
}

/** The events of a book. */
export interface PassEvents {
  /** A viewer of an owner has begun to watch. `pass`: the pass that pays; undefined if none is required. */
  connected: { readonly owner: string; readonly session: PlaySession; readonly pass: Pass | undefined };
  /** It has ended; everything is billed. */
  disconnected: { readonly owner: string; readonly session: PlaySession; readonly pass: Pass | undefined };
  /** Something was deducted from a pass, and has been saved. */
  spent: { readonly owner: string; readonly pass: Pass };
  /** A pass can no longer be used. */
  exhausted: { readonly owner: string; readonly pass: Pass; readonly reason: Over };
}
