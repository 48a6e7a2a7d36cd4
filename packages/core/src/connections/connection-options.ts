import type { Clock } from '../support/clock.js';
import { CONNECTION_STALL_MS } from './sampler.js';
import { badOption, checkOptions } from '../support/options.js';
import type { ConnectionSettings } from './transport-connection.js';

/**
 * The common adapter options with their defaults, for an adapter that has none of its own.
 *
 * @param what The name used in errors, such as `attachSrt()`
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function connectionOptions(
  what: string,
  options: { stallTimeoutMs?: number; clock?: Clock },
): ConnectionSettings {
  checkOptions(what, options, ['stallTimeoutMs', 'clock']);
  const { stallTimeoutMs = CONNECTION_STALL_MS, clock } = options;
  if (!(stallTimeoutMs >= 0)) throw badOption('stallTimeoutMs', 'milliseconds, 0 or more', stallTimeoutMs);
  return { stallTimeoutMs, ...(clock && { clock }) };
}
