import {
  byPosition,
  isByValue,
  type Position,
  positionOf,
  type ValuedPosition,
  type ValueOrder,
  VALUES,
} from './cursor.js';
import type { SessionFilter } from '../types/play-session.js';
import { StreamSessionsError } from '../support/errors.js';
import type { Test } from './filter.js';
import type { Row } from './closed-sessions.js';
import type { SessionList } from './session-list.js';

/** Where rows come from: live sessions, closed ones, and those to which nothing has been served yet. */
export type Sources = readonly SessionList<Row>[];

/** The most rows examined at once: roughly a quarter of a second, during which the event loop is blocked. */
const MOST_LOOKED_AT = 200_000;

/**
 * Refuses a query that would have to examine too many rows at once.
 *
 * @throws StreamSessionsError ERR_TOO_MANY_ROWS
 */
export function checkEffort(sources: Sources, { search, order }: SessionFilter): void {
  if (!search && !(order && isByValue(order))) return;
  const rows = sources.reduce((sum, { size }) => sum + size, 0);
  if (rows <= MOST_LOOKED_AT) return;
  const what = search ? 'A search' : `The order ${order}`;
  throw new StreamSessionsError(
    'ERR_TOO_MANY_ROWS',
    `${what} looks at ${MOST_LOOKED_AT} sessions at most, and there are ${rows}. Name a stream or a status.`,
  );
}

/** The number of matches. Without a test, nothing is walked. */
export function countOf(sources: Sources, test: Test | undefined): number {
  let total = 0;
  for (const visits of sources) {
    if (test === undefined) total += visits.size;
    else visits.walk(undefined, (visit) => void (test(visit) && total++));
  }
  return total;
}

/** The number of rows looked at in one turn: a fraction of a millisecond. */
const PORTION = 2_000;

/** Calls `visit` as `walk` does. The list may change between two portions: what is there all the time is visited once. */
function* walked(
  visits: SessionList<Row>,
  after: Position | undefined,
  backwards: boolean,
  visit: (row: Row) => boolean | void,
): Generator<void, void> {
  let place = after;
  for (let isMore = true; isMore;) {
    let left = PORTION;
    isMore = false;
    const take = (row: Row): boolean => {
      if (visit(row) === false) return false;
      if (--left > 0) return true;
      place = { openedAt: row.openedAt, id: row.id };
      isMore = true;
      return false;
    };
    if (backwards) visits.walkBack(place, take);
    else visits.walk(place, take);
    if (isMore) yield;
  }
}

/** Calls `visit` for each match, in portions. One that ends meanwhile may come twice. */
export function* matches(sources: Sources, test: Test | undefined, visit: (row: Row) => void): Generator<void, void> {
  for (const visits of sources) {
    yield* walked(visits, undefined, false, (row) => void ((test === undefined || test(row)) && visit(row)));
  }
}

/**
 * One page in the order of the filter, found in portions.
 *
 * @param held How rows are kept while others are looked for: what happens meanwhile must not change them
 */
export function* pageOf(
  sources: Sources,
  filter: SessionFilter,
  test: Test | undefined,
  held: (row: Row) => Row,
): Generator<void, Row[]> {
  const { order = 'openedAt' } = filter;
  const limit = filter.limit !== undefined && filter.limit > 0 ? filter.limit : Infinity;
  const after = filter.after ? positionOf(filter.after, order) : undefined;
  if (isByValue(order)) return yield* largest(sources, { order, limit, after, test, held });
  const backwards = order === '-openedAt';
  const compare: Compare = backwards ? (a, b) => byPosition(b, a) : byPosition;
  let all: Row[] = [];
  for (const visits of sources) {
    const page: Row[] = [];
    yield* walked(visits, after, backwards, (row) => {
      if (test === undefined || test(row)) page.push(held(row));
      return page.length < limit;
    });
    all = merge(all, page, compare);
  }
  return all.slice(0, limit);
}

type Compare = (a: Row, b: Row) => number;

/** Of a visit that is in both, the later one: it has ended meanwhile. */
function merge(a: Row[], b: Row[], compare: Compare): Row[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  const merged: Row[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    const order = left === undefined ? 1 : right === undefined ? -1 : compare(left, right);
    merged.push((order < 0 ? left : right) as Row);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return merged;
}

interface Largest {
  readonly order: ValueOrder;
  readonly limit: number;
  readonly after: ValuedPosition | undefined;
  readonly test: Test | undefined;
  readonly held: (row: Row) => Row;
}

/** The rows with the largest values. Examines all rows and holds no more than two pages at a time. */
function* largest(sources: Sources, { order, limit, after, test, held }: Largest): Generator<void, Row[]> {
  const valueOf = (row: Row): number => VALUES[order].of(row);
  const compare = (a: Row, b: Row): number => descending(valueOf(a), valueOf(b)) || byPosition(b, a);
  const isAfter = (row: Row, place: ValuedPosition): boolean =>
    (descending(place.value, valueOf(row)) || byPosition(row, place)) < 0;
  let best: Row[] = [];
  /** The last row of a full page: rows behind it are not needed. */
  let last: Row | undefined;
  const sort = (): void => {
    const mayRepeat = sources.filter(({ size }) => size > 0).length > 1;
    best = (mayRepeat ? latestOfEach(best) : best).sort(compare).slice(0, limit);
    if (best.length === limit) last = best.at(-1);
  };
  // rows that come first among equals are walked first; of most bytes, the longest-playing sessions tend to have them
  for (const visits of sources) {
    yield* walked(visits, undefined, order !== '-bytes', (row) => {
      if (last !== undefined && compare(last, row) < 0) return;
      if (after !== undefined && !isAfter(row, after)) return;
      if (test !== undefined && !test(row)) return;
      best.push(held(row));
      if (best.length >= 2 * limit) sort();
    });
  }
  sort();
  return best;
}

/** Of a visit that was found live and then among the closed ones, the later row: it has ended meanwhile. */
const latestOfEach = (rows: readonly Row[]): Row[] => [
  ...new Map(rows.map((row) => [`${row.openedAt} ${row.id}`, row])).values(),
];

const descending = (a: number, b: number): number => (a === b ? 0 : a > b ? -1 : 1);
