import { clockOffset, type Clock, type SinceBoot } from './clock.js';

/** When something was stored, by the wall clock and (where known) by a clock that cannot be set. */
export interface ClockRecord {
  readonly wall: number;
  readonly sinceBoot?: SinceBoot | undefined;
}

export const clockRecord = (clock: Clock): ClockRecord => ({ wall: clock.now(), sinceBoot: clock.sinceBoot?.() });

/** Clock corrections up to this size do not count as setting the clock. */
const TOLERANCE_MS = 2_000;

/**
 * What has to be added to times that were stored then, to express them in the current clock, which may have been set since.
 * Within the same boot of the machine this is known exactly. Otherwise only a clock that was set back is noticed, and it is
 * assumed that no time had passed.
 */
export function setSince(then: ClockRecord, clock: Clock): number {
  const now = clock.now();
  const here = clock.sinceBoot?.();
  const isSameBoot = here !== undefined && here.boot === then.sinceBoot?.boot && here.ms >= then.sinceBoot.ms;
  const passedMs = isSameBoot ? here.ms - then.sinceBoot.ms : Math.max(0, now - then.wall);
  const setMs = now - then.wall - passedMs;
  return Math.abs(setMs) < TOLERANCE_MS ? 0 : setMs;
}

/** @returns undefined if it is not a valid record */
export function readClockRecord(given: unknown): ClockRecord | undefined {
  const { wall, sinceBoot } = (given ?? {}) as Partial<ClockRecord>;
  const isFine = Number.isFinite(wall) && (sinceBoot === undefined || Number.isFinite(sinceBoot.ms));
  return isFine ? ({ wall, sinceBoot } as ClockRecord) : undefined;
}

/** Notices when the wall clock is set forward. A machine that slept is not taken for that: there, the time has passed. */
export class SetForwardWatch {
  private known: ClockRecord;
  private offset: number;

  constructor(private readonly clock: Clock) {
    this.known = clockRecord(clock);
    this.offset = clockOffset(clock);
  }

  /** Whether it has been set forward since the last call. Always false if the clock does not know `sinceBoot`. */
  look(): boolean {
    const offset = clockOffset(this.clock);
    // asking the system costs 50 µs, and a sweep may have thousands of slices
    if (Math.abs(offset - this.offset) < TOLERANCE_MS) return false;
    const setMs = setSince(this.known, this.clock);
    this.known = clockRecord(this.clock);
    this.offset = offset;
    return setMs > 0;
  }
}
