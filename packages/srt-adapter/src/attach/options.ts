import type { Clock } from '@stream-sessions/core';

/** Options of `attachSrt()`. */
export interface SrtOptions {
  /** Milliseconds for which a player may lose packets because it is too slow, before it is `stalled`. Default 15_000; 0 = never. */
  stallTimeoutMs?: number;
  /** Where the once-a-second readings take their time from. Default: the wall clock. */
  clock?: Clock;
}
