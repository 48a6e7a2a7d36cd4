import type { Clock } from '@stream-sessions/core';

/** Options of `attachSrt()`. */
export interface SrtOptions {
  /** How long a player may be too slow, and so lose packets, before it is `stalled`. Milliseconds; default 15_000; 0 = never. */
  stallTimeoutMs?: number;
  /** Where the readings, one a second, take their time from. Default: the wall clock. */
  clock?: Clock;
}
