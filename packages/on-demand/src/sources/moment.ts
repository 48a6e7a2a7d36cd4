import type { Moment } from '@stream-sessions/core/spi';

export const LONG_AGO: Moment = { wall: 0, monotonic: -Infinity };
export const NEVER: Moment = { wall: Infinity, monotonic: Infinity };

/** Negative: it has not come yet. */
export const msSince = (moment: Moment, now: Moment): number => now.monotonic - moment.monotonic;
export const later = ({ wall, monotonic }: Moment, ms: number): Moment => ({
  wall: wall + ms,
  monotonic: monotonic + ms,
});
