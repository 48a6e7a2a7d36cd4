import {
  AFTER,
  CONDITIONS,
  forLists,
  inOrder,
  NEWEST_FIRST,
  selectFewVisits,
  selectVisits,
} from '../sql/visits.sql.js';
import type { SqlEngine, SqlQuery } from '../types/engine.js';
import type { Visit, VisitFilter, VisitPage } from '../types/query.js';
import { checked, type Cursor, cursorOfVisit, isTime, MAX_LIMIT } from './filter.js';
import { totalOf } from './totals.js';
import { Values, whereFew, whereVisits } from './where.js';

/**
 * If no more than this many match, all of them are fetched and sorted; otherwise it is faster to find a page by walking all
 * visits in order.
 */
const FEW = 5_000;

/** A page, and the number of rows on all pages. */
export async function pageOfVisits(engine: SqlEngine, filter: VisitFilter): Promise<VisitPage> {
  const { after, limit } = checked(filter);
  return engine.transaction(async (query) => {
    await query(forLists);
    const total = await totalOf(query, filter);
    const areFew = total <= FEW;
    if (!areFew) await query(inOrder);
    // one extra row shows whether there is another page
    const rows = total === 0 ? [] : await rowsOf(query, filter, after, limit + 1, areFew);
    const visits = rows.slice(0, limit);
    const last = rows.length > limit ? visits.at(-1) : undefined;
    const isAll = after === undefined && last === undefined;
    return { visits, total: isAll ? visits.length : total, next: last && cursorOfVisit(last) };
  });
}

/** All matches, latest first, a page at a time: never more than a page is in memory. */
export async function* eachVisit(engine: SqlEngine, filter: VisitFilter): AsyncGenerator<Visit> {
  let { after } = checked(filter);
  for (;;) {
    const rows = await rowsOf(engine.query, filter, after, MAX_LIMIT, false);
    yield* rows;
    const last = rows.at(-1);
    if (rows.length < MAX_LIMIT || last === undefined) return;
    after = [last.openedAt, last.id];
  }
}

/** The visit with this id and opening time, or the latest one with this id. */
export async function oneVisit(engine: SqlEngine, id: string, openedAt?: number): Promise<Visit | undefined> {
  // a value that no visit can have is not an error: nothing matches
  if (id.includes('\0') || !isTime(openedAt ?? 0)) return undefined;
  const values = new Values();
  const time = openedAt === undefined ? '' : `AND ${values.put(CONDITIONS.openedAt, openedAt)}`;
  const text = `${selectVisits} WHERE ${values.put(CONDITIONS.id, id)} ${time} ${values.put(NEWEST_FIRST, 1)}`;
  const rows = await engine.query<RawVisit>(text, values.all);
  return rows.map(visitOf)[0];
}

async function rowsOf(
  query: SqlQuery,
  filter: VisitFilter,
  after: Cursor | undefined,
  limit: number,
  areFew: boolean,
): Promise<Visit[]> {
  const values = new Values();
  const where = [
    areFew ? whereFew(filter, values) : whereVisits(filter, values),
    ...(after === undefined ? [] : [values.put(AFTER, ...after)]),
  ].join(' AND ');
  const select = areFew ? selectFewVisits(where) : `${selectVisits} WHERE ${where}`;
  const rows = await query<RawVisit>(`${select} ${values.put(NEWEST_FIRST, limit)}`, values.all);
  return rows.map(visitOf);
}

type RawVisit = Omit<Visit, 'durationMs' | 'protocols' | 'tags' | 'quality'> &
  Readonly<Record<'protocols' | 'tags', string>> & { readonly quality: string | null };

/** Null becomes absent. */
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
