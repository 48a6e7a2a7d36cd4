import type { Clock, SinceBoot } from '../support/clock.js';

/** When something was written, by the wall clock and (where it is known) by what nobody can set. */
export interface ClockRecord {
  readonly wall: number;
  readonly sinceBoot?: SinceBoot | undefined;
}

export const clockRecord = (clock: Clock): ClockRecord => ({ wall: clock.now(), sinceBoot: clock.sinceBoot?.() });

/** Clocks that are corrected a little are not set. */
const TOLERANCE_MS = 2_000;

/**
 * What has to be added to times that were written then, to have them by the clock as it is now: it may have been set since.
 * On the same start of the machine that is known. Else only a clock that was set back shows: no time had passed, as far as
 * anybody can tell.
 */
export function setSince(then: ClockRecord, clock: Clock): number {
  const now = clock.now();
  const here = clock.sinceBoot?.();
  const isSameBoot = here !== undefined && here.boot === then.sinceBoot?.boot && here.ms >= then.sinceBoot.ms;
  const passedMs = isSameBoot ? here.ms - then.sinceBoot.ms : Math.max(0, now - then.wall);
  const setMs = now - then.wall - passedMs;
  return Math.abs(setMs) < TOLERANCE_MS ? 0 : setMs;
}

/** @returns undefined where it is no such record */
export function readClockRecord(given: unknown): ClockRecord | undefined {
  const { wall, sinceBoot } = (given ?? {}) as Partial<ClockRecord>;
  const isFine = Number.isFinite(wall) && (sinceBoot === undefined || Number.isFinite(sinceBoot.ms));
  return isFine ? ({ wall, sinceBoot } as ClockRecord) : undefined;
}
