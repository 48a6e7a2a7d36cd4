import type { Logger } from '@stream-sessions/core';
import { ensureMonths, upsertVisits } from '../sql/upsert-visits.sql.js';
import { upsertDenials } from '../sql/upsert-denials.sql.js';
import type { SqlEngine } from '../types/engine.js';
import type { DenialRow, JournalRecord, VisitRow } from '../types/visit-row.js';
import { denialColumns, visitColumns } from './columns.js';

/** The most rows per statement. */
const MAX_BATCH = 1_000;
/** Concurrent statements: one is prepared while the database runs the other. */
const LANES = 2;
/** Times outside this range come from a wrong clock, and must not cause a partition to be created for each month. */
const FIRST = Date.UTC(2000, 0, 1);
const LAST = Date.UTC(2100, 0, 1);
const DAY = 24 * 60 * 60_000;
const SHORTEST_MONTH_MS = 28 * DAY;
/** A longer visit is invalid. */
const MAX_MONTHS = 120;
const TABLES = { visits: ['visits', 'minutes', 'day_viewers'], denials: ['denials'] } as const;

/** PostgreSQL's error code when no partition accepts a row. */
const NO_PARTITION = '23514';

/** Writes rows to the database. */
export class Store {
  /** Days that have their partitions, as days since 1970. */
  private readonly days = { visits: new Set<number>(), denials: new Set<number>() };
  /** Rows that the database rejects while accepting others. */
  refused = 0;

  constructor(
    private readonly engine: SqlEngine,
    private readonly writer: string,
    private readonly logger: Logger,
  ) {}

  /** @throws errors of the database, except those about a single row, which is left out */
  async write(records: readonly JournalRecord[]): Promise<void> {
    const visits = latest(records.flatMap(({ visit }) => visit ?? []));
    await inLanes(batches(visits), (rows) => this.each(rows, (some) => this.writeVisits(some)));
    const denials = records.flatMap(({ denial }) => denial ?? []);
    await inLanes(batches(denials), (rows) => this.each(rows, (some) => this.writeDenials(some)));
  }

  private async writeVisits(rows: readonly VisitRow[]): Promise<void> {
    await this.ensure('visits', rows.flatMap(monthsOf));
    await this.engine.query(upsertVisits, [this.writer, ...visitColumns(rows)]);
  }

  private async writeDenials(rows: readonly DenialRow[]): Promise<void> {
    await this.ensure(
      'denials',
      rows.map(({ deniedAt }) => deniedAt),
    );
    await this.engine.query(upsertDenials, denialColumns(rows));
  }

  /** One bad row must not hold up all others for ever: it is found by bisection. */
  private async each<Row>(
    rows: readonly Row[],
    write: (rows: readonly Row[]) => Promise<void>,
    isSecond = false,
  ): Promise<void> {
    try {
      await write(rows);
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (code === NO_PARTITION && !isSecond) {
        // its month has been dropped meanwhile
        for (const days of Object.values(this.days)) days.clear();
        return this.each(rows, write, true);
      }
      if (!/^(?:22|23)/.test(code)) throw error;
      if (rows.length === 1) {
        this.refused++;
        this.logger.error({ err: error }, 'the database rejects a row of history for good: the row is left out');
        return;
      }
      const half = Math.ceil(rows.length / 2);
      await this.each(rows.slice(0, half), write);
      await this.each(rows.slice(half), write);
    }
    return undefined;
  }

  private async ensure(of: keyof typeof TABLES, times: readonly number[]): Promise<void> {
    const missing = new Set<number>();
    for (const at of times) {
      if (at >= FIRST && at < LAST && !this.days[of].has(Math.floor(at / DAY))) missing.add(Math.floor(at / DAY));
    }
    if (missing.size === 0) return;
    const pairs = [...missing].flatMap((day) => TABLES[of].map((table) => [table, day * DAY] as const));
    await this.engine.query(ensureMonths, [pairs.map(([table]) => table), pairs.map(([, at]) => at)]);
    for (const day of missing) this.days[of].add(day);
  }
}

/** A time in each month that a visit covers. */
function monthsOf({ openedAt, endedAt }: VisitRow): number[] {
  const times = [openedAt, endedAt];
  if (endedAt - openedAt < SHORTEST_MONTH_MS) return times;
  for (let at = openedAt; at < endedAt; at = Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth() + 1)) {
    times.push(at);
    if (times.length > MAX_MONTHS) break;
  }
  return times;
}

/** A statement cannot write the same visit twice, and its latest row is enough. */
function latest(rows: readonly VisitRow[]): VisitRow[] {
  const byVisit = new Map<string, VisitRow>();
  for (const row of rows) {
    const key = `${row.openedAt} ${row.id}`;
    if (row.closedAt !== null || byVisit.get(key)?.closedAt == null) byVisit.set(key, row);
  }
  return [...byVisit.values()];
}

/** Runs several at a time, since no two concern the same visit. Resolves when all have ended. */
async function inLanes<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value);
  };
  const results = await Promise.allSettled(Array.from({ length: LANES }, lane));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function* batches<Row>(rows: readonly Row[]): Generator<Row[]> {
  for (let at = 0; at < rows.length; at += MAX_BATCH) yield rows.slice(at, at + MAX_BATCH);
}
