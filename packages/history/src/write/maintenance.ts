import type { Clock, Logger } from '@stream-sessions/core';
import { hideOld } from '../privacy/hide-old.js';
import type { Privacy } from '../privacy/privacy.js';
import {
  closeLost,
  countBroadcasts,
  deleteDays,
  deleteHours,
  dropMonths,
  forgetWriters,
  freezeMinutes,
  freezeVisits,
  noteWriter,
} from '../sql/maintain.sql.js';
import { forgetDays } from '../sql/totals.sql.js';
import type { SqlEngine } from '../types/engine.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** How long data is kept. Days. */
export interface Retention {
  readonly visits: number;
  readonly minutes: number;
  readonly hours: number;
  readonly days: number;
}

/** Periodic work: once a minute, with the costly part once an hour. */
export class Maintenance {
  private timer: unknown = undefined;
  private running: Promise<void> = Promise.resolve();
  private turns = 0;
  private isOver = false;

  /** @param old What is kept of visits after a number of days; undefined: no change. */
  constructor(
    private readonly engine: SqlEngine,
    private readonly writer: string,
    private readonly keep: Retention,
    private readonly lostAfterMs: number,
    private readonly old: { readonly privacy: Privacy; readonly afterDays: number } | undefined,
    private readonly countAll: () => Promise<void>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = this.clock.setTimeout(() => {
      this.running = this.turn();
    }, MINUTE);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    this.clock.clearTimeout(this.timer);
    await this.running;
  }

  /** Records that this writer is alive, and closes visits of writers that are not. */
  async tend(): Promise<void> {
    const now = this.clock.now();
    await this.engine.query(noteWriter, [this.writer, now]);
    await this.engine.query(closeLost, [now - this.lostAfterMs]);
    await this.engine.query(forgetWriters, [now - DAY - this.lostAfterMs]);
  }

  /** Drops data beyond its retention, and reduces addresses that were kept long enough. */
  async tidy(): Promise<void> {
    const now = this.clock.now();
    if (this.old !== undefined) await hideOld(this.engine, this.old.privacy, now - this.old.afterDays * DAY);
    const before = (days: number): number | undefined => (Number.isFinite(days) ? now - days * DAY : undefined);
    const [visits, minutes, hours, days] = [this.keep.visits, this.keep.minutes, this.keep.hours, this.keep.days].map(
      before,
    );
    if (visits !== undefined || minutes !== undefined) await this.countAll();
    if (visits !== undefined) {
      await this.engine.transaction(async (query) => {
        await query(countBroadcasts, [visits]);
        await query(freezeVisits, [visits]);
        for (const table of ['visits', 'denials', 'day_viewers']) await query(dropMonths, [table, visits]);
        for (const forget of forgetDays) await query(forget, [visits]);
      });
    }
    if (minutes !== undefined) {
      await this.engine.transaction(async (query) => {
        await query(freezeMinutes, [minutes]);
        await query(dropMonths, ['minutes', minutes]);
      });
    }
    if (hours !== undefined) await this.engine.query(deleteHours, [hours]);
    if (days !== undefined) await this.engine.query(deleteDays, [days]);
  }

  private async turn(): Promise<void> {
    try {
      await this.tend();
      if (this.turns++ % 60 === 0) await this.tidy();
    } catch (error) {
      this.logger.warn({ err: error }, 'history could not be tidied; it is tried again later');
    }
    if (!this.isOver) this.start();
  }
}
