import { badOption } from '@stream-sessions/core/spi';

/** More than a year: anything longer was meant in other units. */
const LONGEST_MS = 1e12;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkPositive(name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 1 && value <= LONGEST_MS) return;
  throw badOption(name, 'a number of milliseconds from 1', value);
}
