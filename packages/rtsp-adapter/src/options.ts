import type { Clock } from '@stream-sessions/core';

/** Options of `attachRtsp()`. */
export interface RtspOptions {
  /**
   * A player that takes nothing for this long while media waits for it is cut as `stalled`. Milliseconds; default 15_000;
   * 0 = never.
   */
  stallTimeoutMs?: number;
  /** Where the readings, one a second, take their time from. Default: the wall clock. */
  clock?: Clock;
}
