import type { Clock } from '@stream-sessions/core';
import {
  badOption,
  checkBytes,
  checkClock,
  checkOptions,
  checkTimeout,
  CONNECTION_STALL_MS,
} from '@stream-sessions/core/spi';

/** Options of `attachRtmp()`. */
export interface RtmpOptions {
  /**
   * Protect the server from packets that crash it (see `guardNodeMediaServer`). Default true; set false if you have called
   * `guardNodeMediaServer` with your own options.
   */
  guard?: boolean | undefined;
  /**
   * A player that takes nothing for this long while media is waiting for it is cut as `stalled`. Milliseconds; default 15_000; 0
   * = never.
   */
  stallTimeoutMs?: number | undefined;
  /**
   * A publisher that sends nothing for this long counts as gone, and so does a player that used to answer pings and no
   * longer does (RTMP, WS-FLV, HTTP/2). Milliseconds; default 30_000; 0 = never.
   */
  silenceTimeoutMs?: number | undefined;
  /**
   * How much media may wait for one slow player, in bytes. Default 8 MiB. Beyond it, the player misses media until half of
   * that is gone, and then continues with the latest key frame.
   */
  maxBufferBytes?: number | undefined;
  /** The clock for the once-a-second readings. Default: the wall clock. */
  clock?: Clock | undefined;
}

/** Options with their defaults. */
export type Settings = Readonly<Required<Omit<RtmpOptions, 'clock'>> & Pick<RtmpOptions, 'clock'>>;

const MIB = 1024 * 1024;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function settingsOf(options: RtmpOptions): Settings {
  checkOptions('attachRtmp()', options, ['guard', 'stallTimeoutMs', 'silenceTimeoutMs', 'maxBufferBytes', 'clock']);
  const { guard = true, stallTimeoutMs = CONNECTION_STALL_MS, silenceTimeoutMs = 30_000 } = options;
  const { maxBufferBytes = 8 * MIB, clock } = options;
  if (typeof guard !== 'boolean') throw badOption('guard', 'true or false', guard);
  checkTimeout('stallTimeoutMs', stallTimeoutMs);
  checkTimeout('silenceTimeoutMs', silenceTimeoutMs);
  checkBytes('maxBufferBytes', maxBufferBytes, 65_536);
  checkClock(clock);
  return { guard, stallTimeoutMs, silenceTimeoutMs, maxBufferBytes, ...(clock && { clock }) };
}
