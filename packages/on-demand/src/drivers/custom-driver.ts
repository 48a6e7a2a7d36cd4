import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { checkText } from '../checks.js';
import type { SourceDriver } from '../driver.js';

/** The argument of `customDriver()`: a driver whose name is optional. */
export type CustomDriverOptions = Omit<SourceDriver, 'name'> & {
  /** For messages to people. Default `custom`. */
  readonly name?: string;
};

/**
 * A driver made from your own functions.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example customDriver({ start: ({ stream }) => encoder.on(stream), stop: ({ stream }) => encoder.off(stream) })
 */
export function customDriver(options: CustomDriverOptions): SourceDriver {
  checkOptions('customDriver()', options, ['name', 'placeholders', 'start', 'stop', 'state', 'list', 'close']);
  const { name = 'custom', placeholders = [], start, stop, state, list, close } = options;
  checkText('name', name);
  if (!Array.isArray(placeholders)) throw badOption('placeholders', "a list like ['id']", placeholders);
  for (const [key, value] of Object.entries({ start, stop })) {
    if (typeof value !== 'function') throw badOption(key, 'a function', value);
  }
  for (const [key, value] of Object.entries({ state, list, close })) {
    if (value !== undefined && typeof value !== 'function') throw badOption(key, 'a function', value);
  }
  return { ...options, name };
}
