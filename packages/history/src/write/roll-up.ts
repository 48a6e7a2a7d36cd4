import type { Clock, Logger } from '@stream-sessions/core';
import { countUniques, rollDays, rollHours } from '../sql/roll-up.sql.js';
import { sweepHour, sweepMinutes } from '../sql/sweep.sql.js';
import { countDay, countDurations, takeDay, touchDay } from '../sql/totals.sql.js';
import { awaitRollUp, forCounting, lockRollUp, takeHour, takeMinutes, touchHours } from '../sql/touched.sql.js';
import type { SqlEngine, SqlQuery } from '../types/engine.js';
import { rangesOf } from './ranges.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The most minutes per transaction. */
const AT_ONCE = 1_440;
/** A current minute is recounted at most this often, and one that ended a minute or more ago once a minute. */
const SOONEST_MS = 1_000;
const OLDER_MS = MINUTE;
/** An hour is recounted by protocol, country, player and reason, and for new viewers of the day, at most this often. */
const HOURS_MS = 15_000;
/** The visits of a past day are recounted for totals of lists at most this often: few of them still change. */
const DAYS_MS = 5 * MINUTE;
/** After counting, it rests this many times as long, so counting takes at most a fifth of the time. */
const REST = 4;

/** Recounts touched minutes from the visits, and the hours and days that contain them. */
export class RollUp {
  private timer: unknown = undefined;
  private running: Promise<unknown> = Promise.resolve();
  private olderAt = 0;
  private hoursAt = 0;
  private daysAt = 0;
  private isOver = false;
  private isWanted = false;
  private pauseMs = SOONEST_MS;

  constructor(
    private readonly engine: SqlEngine,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Something was written. */
  want(): void {
    this.isWanted = true;
    this.plan();
  }

  /** Counts everything that is due. */
  async all(): Promise<void> {
    while (await this.pass(awaitRollUp, (query) => countMinutes(query, 0))) if (this.isOver) return;
    while (await this.pass(awaitRollUp, countHour)) if (this.isOver) return;
    while (await this.pass(awaitRollUp, this.countDay)) if (this.isOver) return;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    this.clock.clearTimeout(this.timer);
    await this.running;
  }

  private plan(): void {
    if (this.isOver) return;
    this.timer ??= this.clock.setTimeout(() => {
      this.running = this.turn();
    }, this.pauseMs);
  }

  private async turn(): Promise<void> {
    const begun = performance.now();
    let isMore: boolean;
    try {
      isMore = await this.countDue();
    } catch (error) {
      this.logger.warn({ err: error }, 'figures of history could not be counted; it is tried again later');
      isMore = true;
    }
    this.pauseMs = Math.max(SOONEST_MS, REST * (performance.now() - begun));
    this.timer = undefined;
    if (isMore || this.isWanted) this.plan();
    else this.timer = this.clock.setTimeout(() => (this.running = this.turn()), OLDER_MS);
  }

  /** Returns whether there is more. */
  private async countDue(): Promise<boolean> {
    const isWanted = this.isWanted;
    this.isWanted = false;
    const now = this.clock.now();
    const withOlder = now - this.olderAt >= OLDER_MS;
    if (withOlder) this.olderAt = now;
    let isMore = false;
    if (isWanted || withOlder)
      isMore = await this.pass(lockRollUp, (query) => countMinutes(query, withOlder ? 0 : now - 2 * MINUTE));
    // what is left over is older, and would otherwise wait for its minute
    if (isMore && withOlder) this.olderAt = 0;
    if (now - this.hoursAt < HOURS_MS) return isMore;
    if (await this.pass(lockRollUp, countHour)) return true;
    this.hoursAt = now;
    if (now - this.daysAt < DAYS_MS) return isMore;
    if (await this.pass(lockRollUp, this.countDay)) return true;
    this.daysAt = now;
    return isMore;
  }

  /** Counts the latest touched day that is over. Returns whether there was one. */
  private readonly countDay = async (query: SqlQuery): Promise<boolean> => {
    const [taken] = await query<{ day: number }>(takeDay, [this.clock.now()]);
    if (taken === undefined) return false;
    await query(countDay, [taken.day]);
    await query(countDurations, [taken.day]);
    return true;
  };

  /** Also false if another process is doing it. */
  private pass(lock: string, count: (query: SqlQuery) => Promise<boolean>): Promise<boolean> {
    return this.engine.transaction(async (query) => {
      await query(forCounting);
      const [locked] = await query<{ mine: boolean }>(lock, []);
      return locked?.mine === true && (await count(query));
    });
  }
}

/** Counts touched minutes from `from` on, and updates the hours and days that contain them. Returns whether there may be more. */
async function countMinutes(query: SqlQuery, from: number): Promise<boolean> {
  const taken = await query<{ minute: number; frozen: boolean }>(takeMinutes, [AT_ONCE, from]);
  const minutes = taken.filter(({ frozen }) => !frozen).map(({ minute }) => minute);
  if (minutes.length > 0) {
    for (const range of rangesOf(minutes)) await query(sweepMinutes, range);
    await query(rollHours, [startsOf(minutes, HOUR), true]);
    await query(rollDays, [startsOf(minutes, DAY), true]);
  }
  if (taken.length > 0) await query(touchHours, [taken.map(({ minute }) => minute)]);
  return taken.length === AT_ONCE;
}

/** Counts the latest touched hour. Returns whether there was one. */
async function countHour(query: SqlQuery): Promise<boolean> {
  const [taken] = await query<{ hour: number; first: number; last: number; frozen: boolean }>(takeHour, []);
  if (taken === undefined) return false;
  await query(touchDay, [taken.hour]);
  if (taken.frozen) return true;
  const { hour, first, last } = taken;
  const day = hour - (hour % DAY);
  await query(sweepHour, [hour, hour + HOUR]);
  await query(countUniques, [first, last + MINUTE, day]);
  await query(rollDays, [[day], false]);
  return true;
}

/** UTC days begin at multiples of their length. */
const startsOf = (minutes: readonly number[], length: number): number[] => [
  ...new Set(minutes.map((at) => at - (at % length))),
];
