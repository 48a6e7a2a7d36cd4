import { badOption } from '@stream-sessions/core/spi';

/** @throws StreamSessionsError ERR_BAD_OPTION unless it is a number of at least `least` */
export function checkNumber(name: string, value: number, least: number): number {
  if (typeof value === 'number' && value >= least) return value;
  throw badOption(name, `a number from ${least} on`, value);
}

/** @throws StreamSessionsError ERR_BAD_OPTION unless it is a whole number from `least` to `most` */
export function checkWhole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw badOption(name, `a whole number from ${least} to ${most}`, value);
}
