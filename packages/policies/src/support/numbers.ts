import { badOption } from '@stream-sessions/core/spi';

/** @throws StreamSessionsError ERR_BAD_OPTION unless it is a number of at least `least` */
export function checkNumber(name: string, value: number, least: number): number {
  if (typeof value === 'number' && value >= least) return value;
  throw badOption(name, `a number from ${least} on`, value);
}
