import type { Clock } from '@stream-sessions/core';
import { badOption, checkOptions, CONNECTION_STALL_MS, type VisitSettings } from '@stream-sessions/core/spi';

/** Options of `attachSrt()`. */
export interface SrtOptions {
  /** Milliseconds for which a player may lose packets because it is too slow, before it is `stalled`. Default 15_000; 0 = never. */
  stallTimeoutMs?: number;
  /** Where the once-a-second readings take their time from. Default: the wall clock. */
  clock?: Clock;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function settingsOf(options: SrtOptions): VisitSettings {
  checkOptions('attachSrt()', options, ['stallTimeoutMs', 'clock']);
  const { stallTimeoutMs = CONNECTION_STALL_MS, clock } = options;
  if (!(stallTimeoutMs >= 0)) throw badOption('stallTimeoutMs', 'milliseconds, 0 or more', stallTimeoutMs);
  return { stallTimeoutMs, ...(clock && { clock }) };
}
