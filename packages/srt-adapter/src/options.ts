import type { Clock } from '@stream-sessions/core';

/** Options of `attachSrt()`. */
export interface SrtOptions {
  /** How long a player may be too slow, losing packets, before it is `stalled`. Milliseconds; default 15_000; 0 = never. */
  stallTimeoutMs?: number | undefined;
  /** The clock for the once-a-second readings. Default: the wall clock. */
  clock?: Clock | undefined;
}
