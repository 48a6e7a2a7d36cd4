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
/** Minutes of one transaction. */
const AT_ONCE = 1_440;
/** A minute that goes on is counted at most so often, and one that is over a minute or longer ago once a minute. */
const SOONEST_MS = 1_000;
const OLDER_MS = MINUTE;
/** By protocol, country, player and reason, and who is new in a day, an hour is counted at most so often. */
const HOURS_MS = 15_000;
/** Visits of a day that is over, for totals of lists, are counted at most so often: it has few of them that still change. */
const DAYS_MS = 5 * MINUTE;
/** Counting takes at most a fifth of the time, however many there are. */
const REST = 4;

/** Counts touched minutes anew from the visits, and the hours and days that they are in. */
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

  /** Counts all that has to be. */
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
      this.logger.warn({ err: error }, 'figures of history could not be counted: they will be');
      isMore = true;
    }
    this.pauseMs = Math.max(SOONEST_MS, REST * (performance.now() - begun));
    this.timer = undefined;
    if (isMore || this.isWanted) this.plan();
    else this.timer = this.clock.setTimeout(() => (this.running = this.turn()), OLDER_MS);
  }

  /** Whether there is more. */
  private async countDue(): Promise<boolean> {
    const isWanted = this.isWanted;
    this.isWanted = false;
    const now = this.clock.now();
    const withOlder = now - this.olderAt >= OLDER_MS;
    if (withOlder) this.olderAt = now;
    let isMore = false;
    if (isWanted || withOlder)
      isMore = await this.pass(lockRollUp, (query) => countMinutes(query, withOlder ? 0 : now - 2 * MINUTE));
    // what is left over is older, and would wait for its minute
    if (isMore && withOlder) this.olderAt = 0;
    if (now - this.hoursAt < HOURS_MS) return isMore;
    if (await this.pass(lockRollUp, countHour)) return true;
    this.hoursAt = now;
    if (now - this.daysAt < DAYS_MS) return isMore;
    if (await this.pass(lockRollUp, this.countDay)) return true;
    this.daysAt = now;
    return isMore;
  }

  /** The latest touched day that is over. Whether there was one. */
  private readonly countDay = async (query: SqlQuery): Promise<boolean> => {
    const [taken] = await query<{ day: number }>(takeDay, [this.clock.now()]);
    if (taken === undefined) return false;
    await query(countDay, [taken.day]);
    await query(countDurations, [taken.day]);
    return true;
  };

  /** False too if another process does it. */
  private pass(lock: string, count: (query: SqlQuery) => Promise<boolean>): Promise<boolean> {
    return this.engine.transaction(async (query) => {
      await query(forCounting);
      const [locked] = await query<{ mine: boolean }>(lock, []);
      return locked?.mine === true && (await count(query));
    });
  }
}

/** Touched minutes from `from` on, and what hours and days have of them. Whether there may be more. */
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

/** The latest touched hour. Whether there was one. */
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

/** Days of UTC begin at multiples of their length. */
const startsOf = (minutes: readonly number[], length: number): number[] => [
  ...new Set(minutes.map((at) => at - (at % length))),
];
