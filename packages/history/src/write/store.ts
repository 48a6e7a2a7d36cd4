import type { Logger } from '@stream-sessions/core';
import { ensureMonths, upsertVisits } from '../sql/upsert-visits.sql.js';
import { upsertDenials } from '../sql/upsert-denials.sql.js';
import type { SqlEngine } from '../types/engine.js';
import type { DenialRow, JournalRecord, VisitRow } from '../types/visit-row.js';
import { denialColumns, visitColumns } from './columns.js';

/** Rows of one statement. */
const MAX_BATCH = 1_000;
/** Statements at a time: one is made while the database runs the other. */
const LANES = 2;
/** Longer ago or further ahead nothing happened: a month for each would be made of whatever a wrong clock says. */
const FIRST = Date.UTC(2000, 0, 1);
const LAST = Date.UTC(2100, 0, 1);
const DAY = 24 * 60 * 60_000;
const SHORTEST_MONTH_MS = 28 * DAY;
/** A visit that is longer is none. */
const MAX_MONTHS = 120;
const TABLES = { visits: ['visits', 'minutes', 'day_viewers'], denials: ['denials'] } as const;

/** What PostgreSQL says where no table takes a row. */
const NO_PARTITION = '23514';

/** Puts rows into the database. */
export class Store {
  /** Days that have their tables, as numbers of days since 1970. */
  private readonly days = { visits: new Set<number>(), denials: new Set<number>() };
  /** Rows that the database would not take, whatever else it takes. */
  refused = 0;

  constructor(
    private readonly engine: SqlEngine,
    private readonly writer: string,
    private readonly logger: Logger,
  ) {}

  /** @throws what the database says, unless it is about one row alone: that one is left out */
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

  /** One bad row must not hold up all others for ever: it is found by halves. */
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
        // its month was dropped meanwhile
        for (const days of Object.values(this.days)) days.clear();
        return this.each(rows, write, true);
      }
      if (!/^(?:22|23)/.test(code)) throw error;
      if (rows.length === 1) {
        this.refused++;
        this.logger.error(
          { err: error },
          'the database does not take a row of history, and never will: it is left out',
        );
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

/** A time in each month of a visit. */
function monthsOf({ openedAt, endedAt }: VisitRow): number[] {
  const times = [openedAt, endedAt];
  if (endedAt - openedAt < SHORTEST_MONTH_MS) return times;
  for (let at = openedAt; at < endedAt; at = Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth() + 1)) {
    times.push(at);
    if (times.length > MAX_MONTHS) break;
  }
  return times;
}

/** One statement cannot write a visit twice, and the last word on it is enough. */
function latest(rows: readonly VisitRow[]): VisitRow[] {
  const byVisit = new Map<string, VisitRow>();
  for (const row of rows) {
    const key = `${row.openedAt} ${row.id}`;
    if (row.closedAt !== null || byVisit.get(key)?.closedAt == null) byVisit.set(key, row);
  }
  return [...byVisit.values()];
}

/** Several at a time, as no two have a visit in common. All have ended when it resolves. */
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
