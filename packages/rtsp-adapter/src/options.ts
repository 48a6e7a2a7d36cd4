import type { Clock } from '@stream-sessions/core';

/** Options of `attachRtsp()`. */
export interface RtspOptions {
  /**
   * A player that takes nothing for this long while media is waiting for it is cut as `stalled`. Milliseconds; default 15_000; 0
   * = never.
   */
  stallTimeoutMs?: number | undefined;
  /** The clock for the once-a-second readings. Default: the wall clock. */
  clock?: Clock | undefined;
}
