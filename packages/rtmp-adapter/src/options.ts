import type { Clock } from '@stream-sessions/core';
import { badOption, checkOptions, CONNECTION_STALL_MS } from '@stream-sessions/core/spi';

/** Options of `attachRtmp()`. */
export interface RtmpOptions {
  /**
   * Protect the server from packets that kill it (see `guardNodeMediaServer`). Default true; false if you have called
   * `guardNodeMediaServer` with options of your own.
   */
  guard?: boolean;
  /**
   * A player that takes nothing for so many milliseconds while there is media for it is cut as `stalled`. Default 15_000;
   * 0 = never.
   */
  stallTimeoutMs?: number;
  /**
   * A publisher that sends nothing for so many milliseconds is taken for gone, and so is a player that has answered pings and
   * does not any more (RTMP, WS-FLV, HTTP/2). Default 30_000; 0 = never.
   */
  silenceTimeoutMs?: number;
  /**
   * Media that may wait for one slow player, in bytes. Default 8 MiB. Beyond it the player misses media until half of that
   * is gone, and goes on with the latest key frame.
   */
  maxBufferBytes?: number;
  /** Where the once-a-second readings take their time from. Default: the wall clock. */
  clock?: Clock;
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
  if (!(stallTimeoutMs >= 0)) throw badOption('stallTimeoutMs', 'milliseconds, 0 or more', stallTimeoutMs);
  if (!(silenceTimeoutMs >= 0)) throw badOption('silenceTimeoutMs', 'milliseconds, 0 or more', silenceTimeoutMs);
  if (!(maxBufferBytes >= 65_536)) throw badOption('maxBufferBytes', 'bytes, at least 65536', maxBufferBytes);
  return { guard, stallTimeoutMs, silenceTimeoutMs, maxBufferBytes, ...(clock && { clock }) };
}
