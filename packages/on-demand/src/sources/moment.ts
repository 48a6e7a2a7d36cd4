import type { Clock } from '@stream-sessions/core';

/** A point in time: `wall` is shown, in epoch milliseconds, and `monotonic` decides, because nobody can set that clock. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export function momentOf(clock: Clock): Moment {
  const wall = clock.now();
  return { wall, monotonic: clock.monotonic?.() ?? wall };
}

export const LONG_AGO: Moment = { wall: 0, monotonic: -Infinity };
export const NEVER: Moment = { wall: Infinity, monotonic: Infinity };

/** Negative: it has not come yet. */
export const msSince = (moment: Moment, now: Moment): number => now.monotonic - moment.monotonic;
export const later = ({ wall, monotonic }: Moment, ms: number): Moment => ({
  wall: wall + ms,
  monotonic: monotonic + ms,
});
