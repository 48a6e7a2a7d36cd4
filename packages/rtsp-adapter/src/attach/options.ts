import type { Clock } from '@stream-sessions/core';

/** Options of `attachRtsp()`. */
export interface RtspOptions {
  /**
   * A player that takes nothing for so many milliseconds while there is media for it is cut as `stalled`. Default 15_000;
   * 0 = never.
   */
  stallTimeoutMs?: number;
  /** Where the once-a-second readings take their time from. Default: the wall clock. */
  clock?: Clock;
}
