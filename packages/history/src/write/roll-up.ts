import type { Clock, Logger } from '@stream-sessions/core';
import {
  awaitRollUp,
  countUniques,
  lockRollUp,
  rollDays,
  rollHours,
  rollMinutes,
  takeTouched,
} from '../sql/roll-up.sql.js';
import type { SqlEngine } from '../types/engine.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Minutes of one transaction. */
const AT_ONCE = 60;
/** A minute that goes on is counted at most so often, and one that is over a minute or longer ago once a minute. */
const SOONEST_MS = 1_000;
const OLDER_MS = MINUTE;
/** Counting takes at most a fifth of the time, however many there are. */
const REST = 4;

/** Counts touched minutes anew from the visits, and the hours and days that they are in, in one transaction. */
export class RollUp {
  private timer: unknown = undefined;
  private running: Promise<unknown> = Promise.resolve();
  private olderAt = 0;
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
    while (await this.pass(0, awaitRollUp)) if (this.isOver) return;
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
    const isWanted = this.isWanted;
    this.isWanted = false;
    const begun = performance.now();
    const now = this.clock.now();
    const withOlder = now - this.olderAt >= OLDER_MS;
    if (withOlder) this.olderAt = now;
    let isMore = false;
    try {
      if (isWanted || withOlder) isMore = await this.pass(withOlder ? 0 : now - 2 * MINUTE, lockRollUp);
    } catch (error) {
      this.logger.warn({ err: error }, 'figures of history could not be counted: they will be');
      isMore = true;
    }
    // what is left over is older, and would wait for its minute
    if (isMore && withOlder) this.olderAt = 0;
    this.pauseMs = Math.max(SOONEST_MS, REST * (performance.now() - begun));
    this.timer = undefined;
    if (isMore || this.isWanted) this.plan();
    else this.timer = this.clock.setTimeout(() => (this.running = this.turn()), OLDER_MS);
  }

  /** Whether there may be more. */
  private pass(from: number, lock: string): Promise<boolean> {
    return this.engine.transaction(async (query) => {
      // compiling these statements takes longer than running them
      await query('SET LOCAL jit = off', []);
      const [locked] = await query<{ mine: boolean }>(lock, []);
      // another process does it
      if (locked?.mine === false) return false;
      const taken = await query<{ minute: number; frozen: boolean }>(takeTouched, [AT_ONCE, from]);
      const minutes = taken.filter(({ frozen }) => !frozen).map(({ minute }) => minute);
      if (minutes.length > 0) {
        await query(rollMinutes, [minutes]);
        await query(countUniques, [minutes]);
        await query(rollHours, [startsOf(minutes, HOUR)]);
        await query(rollDays, [startsOf(minutes, DAY)]);
      }
      return taken.length === AT_ONCE;
    });
  }
}

/** Days of UTC begin at multiples of their length. */
const startsOf = (minutes: readonly number[], length: number): number[] => [
  ...new Set(minutes.map((at) => at - (at % length))),
];
