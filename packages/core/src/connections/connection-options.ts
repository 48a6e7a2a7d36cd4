import type { Clock } from '../support/clock.js';
import { CONNECTION_STALL_MS } from './sampler.js';
import { checkClock, checkOptions, checkTimeout } from '../support/options.js';
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
  checkTimeout('stallTimeoutMs', stallTimeoutMs);
  checkClock(clock);
  return { stallTimeoutMs, ...(clock && { clock }) };
}
