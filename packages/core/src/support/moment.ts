import type { Clock } from './clock.js';

/** A point in time: `wall` is shown, in epoch milliseconds, and `monotonic` decides, because nobody can set that clock. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** Reads both clocks. Where there is no other one, the wall clock is both. */
export function momentOf(clock: Clock): Moment {
  const wall = clock.now();
  return { wall, monotonic: clock.monotonic?.() ?? wall };
}
