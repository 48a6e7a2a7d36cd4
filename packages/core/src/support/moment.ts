import { monotonic, type Clock } from './clock.js';

/** A point in time: `wall` is shown, in epoch milliseconds, and `monotonic` decides, because nobody can set that clock. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** Reads both clocks. Where there is no other one, the wall clock is both. */
export const momentOf = (clock: Clock): Moment => ({ wall: clock.now(), monotonic: monotonic(clock) });
