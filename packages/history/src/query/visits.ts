import { isIP } from 'node:net';
import { StreamSessionsError } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { AFTER, CONDITIONS, countVisits, NEWEST_FIRST, selectVisits } from '../sql/visits.sql.js';
import { totalOfCounts } from '../sql/totals.sql.js';
import type { SqlEngine } from '../types/engine.js';
import type { Visit, VisitFilter, VisitPage } from '../types/query.js';

/** Rows of a page at most. */
export const MAX_LIMIT = 1_000;

const KNOWN: readonly string[] = [
  'from',
  'to',
  'stream',
  'user',
  'ip',
  'country',
  'reason',
  'protocol',
  'kind',
  'tag',
  'minDurationMs',
  'maxDurationMs',
  'limit',
  'after',
] satisfies readonly (keyof VisitFilter)[];

/** By these, visits of a day are counted. */
const COUNTED: readonly string[] = ['stream', 'country', 'reason', 'protocol', 'kind'] satisfies (keyof VisitFilter)[];
const DAY = 24 * 60 * 60_000;

/** SQL made of our own pieces alone; what others say is in the values. */
class Where {
  readonly values: unknown[];
  private readonly conditions: string[] = [];

  /** @param values what the rest of the statement has: `$1` … */
  constructor(...values: readonly unknown[]) {
    this.values = [...values];
  }

  add(condition: string, ...values: readonly unknown[]): void {
    this.conditions.push(this.numbered(condition, values));
  }

  numbered(text: string, values: readonly unknown[]): string {
    const given = [...values];
    return text.replaceAll('$?', () => `$${this.values.push(given.shift())}`);
  }

  get condition(): string {
    return this.conditions.join(' AND ') || 'true';
  }

  get text(): string {
    return `WHERE ${this.condition}`;
  }
}

/** A page, and how many there are on all of them. */
export async function pageOfVisits(engine: SqlEngine, filter: VisitFilter): Promise<VisitPage> {
  const { after, limit } = checked(filter);
  // one row more tells whether there is another page
  const rows = await rowsOf(engine, filter, after, limit + 1);
  const visits = rows.slice(0, limit);
  const last = rows.length > limit ? visits.at(-1) : undefined;
  const isAll = after === undefined && last === undefined;
  return { visits, total: isAll ? visits.length : await totalOf(engine, filter), next: last && cursorOfVisit(last) };
}

/** All that match, the latest first, a page at a time: as many are in memory as a page has. */
export async function* eachVisit(engine: SqlEngine, filter: VisitFilter): AsyncGenerator<Visit> {
  let { after } = checked(filter);
  for (;;) {
    const rows = await rowsOf(engine, filter, after, MAX_LIMIT);
    yield* rows;
    const last = rows.at(-1);
    if (rows.length < MAX_LIMIT || last === undefined) return;
    after = [last.openedAt, last.id];
  }
}

/** The visit with this id and opening, or the latest with this id. */
export async function oneVisit(engine: SqlEngine, id: string, openedAt?: number): Promise<Visit | undefined> {
  const where = new Where();
  where.add(CONDITIONS.id, id);
  if (openedAt !== undefined) where.add(CONDITIONS.openedAt, openedAt);
  const rows = await engine.query<RawVisit>(
    `${selectVisits} ${where.text} ${where.numbered(NEWEST_FIRST, [1])}`,
    where.values,
  );
  return rows.map(visitOf)[0];
}

async function rowsOf(
  engine: SqlEngine,
  filter: VisitFilter,
  after: Cursor | undefined,
  limit: number,
): Promise<Visit[]> {
  const where = whereOf(filter);
  if (after !== undefined) where.add(AFTER, ...after);
  const rows = await engine.query<RawVisit>(
    `${selectVisits} ${where.text} ${where.numbered(NEWEST_FIRST, [limit])}`,
    where.values,
  );
  return rows.map(visitOf);
}

async function totalOf(engine: SqlEngine, filter: VisitFilter): Promise<number> {
  const { from = -Infinity, to = Infinity, limit: _limit, after: _after, ...rest } = filter;
  const names = Object.keys(rest) as (keyof typeof rest)[];
  const isCounted = names.every((name) => rest[name] === undefined || COUNTED.includes(name));
  const where = isCounted ? new Where(from, ...wholeDays(from, to), to) : new Where();
  whereOf(isCounted ? rest : filter, where);
  const text = isCounted ? totalOfCounts(where.condition) : `${countVisits} ${where.text}`;
  const [row] = await engine.query<{ total: number }>(text, where.values);
  return row?.total ?? 0;
}

/** The first day that begins in this time, and where the last one ends. Without a whole day, all of it comes before them. */
function wholeDays(from: number, to: number): [number, number] {
  const [first, last] = [Math.ceil(from / DAY) * DAY, Math.floor(to / DAY) * DAY];
  return first < last ? [first, last] : [to, to];
}

function whereOf({ tag, ...filter }: VisitFilter, where = new Where()): Where {
  for (const [name, value] of Object.entries(filter)) {
    if (value !== undefined && name in CONDITIONS) where.add(CONDITIONS[name as keyof typeof CONDITIONS], value);
  }
  const at = tag?.indexOf('=') ?? -1;
  if (tag !== undefined && at < 0) where.add(CONDITIONS.hasTag, tag);
  if (tag !== undefined && at >= 0)
    where.add(CONDITIONS.tag, JSON.stringify({ [tag.slice(0, at)]: tag.slice(at + 1) }));
  return where;
}

/** @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_CURSOR */
function checked(filter: VisitFilter): { limit: number; after: Cursor | undefined } {
  checkOptions('visits()', filter, KNOWN);
  const { limit = MAX_LIMIT, ip } = filter;
  for (const name of ['from', 'to', 'minDurationMs', 'maxDurationMs'] as const) {
    const value = filter[name];
    if (value !== undefined && !Number.isFinite(value)) throw badOption(name, 'a number of milliseconds', value);
  }
  for (const name of ['stream', 'user', 'country', 'reason', 'protocol', 'kind', 'tag'] as const) {
    const value: unknown = filter[name];
    if (value !== undefined && typeof value !== 'string') throw badOption(name, 'a text', value);
    if (value?.includes('\0') === true) throw badOption(name, 'a text without NUL', value);
  }
  if (ip !== undefined && !isBlock(ip)) throw badOption('ip', 'an address, or a block such as 203.0.113.0/24', ip);
  if (!(Number.isInteger(limit) && limit > 0 && limit <= MAX_LIMIT))
    throw badOption('limit', `a whole number from 1 to ${MAX_LIMIT}`, limit);
  return { limit, after: filter.after === undefined ? undefined : fromCursor(filter.after) };
}

/** Whether it is an address, or an address with a number of bits. */
export function isBlock(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

type Cursor = readonly [openedAt: number, id: string];

/** Where a page ends. */
export const cursorOfVisit = ({ openedAt, id }: Visit): string =>
  Buffer.from(`${openedAt} ${id}`).toString('base64url');

function fromCursor(after: string): Cursor {
  const [, openedAt, id] = /^(-?\d{1,16}) ([^\0]{1,64})$/.exec(Buffer.from(after, 'base64url').toString()) ?? [];
  if (openedAt === undefined || id === undefined) {
    throw new StreamSessionsError('ERR_BAD_CURSOR', 'after: this is not the `next` of a page of visits.');
  }
  return [Number(openedAt), id];
}

type RawVisit = Omit<Visit, 'durationMs' | 'protocols' | 'tags' | 'quality'> &
  Readonly<Record<'protocols' | 'tags', string>> & { readonly quality: string | null };

/** Null is absent. */
function visitOf({ protocols, tags, quality, ...raw }: RawVisit): Visit {
  const known = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null)) as typeof raw;
  return {
    ...known,
    protocols: JSON.parse(protocols) as string[],
    tags: JSON.parse(tags) as Record<string, string>,
    ...(quality === null ? {} : { quality: JSON.parse(quality) as Record<string, unknown> }),
    durationMs: raw.endedAt - raw.openedAt,
  };
}
