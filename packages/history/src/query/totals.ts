import { type DayCounts, totalOfCounts } from '../sql/totals.sql.js';
import { countVisits } from '../sql/visits.sql.js';
import type { SqlQuery } from '../types/engine.js';
import type { VisitFilter } from '../types/query.js';
import { Values, whereCounts, whereDurations, whereFew, whereVisits } from './where.js';

const DAY = 24 * 60 * 60_000;
type Name = keyof VisitFilter;
const TIME: readonly Name[] = ['from', 'to', 'limit', 'after'];
/** Filters for which the visits of a day are counted. */
const COUNTED: readonly Name[] = [...TIME, 'stream', 'country', 'reason', 'protocol', 'kind', 'tag'];
/** And these, but only without any others. */
const DURATIONS: readonly Name[] = [...TIME, 'minDurationMs', 'maxDurationMs'];

/** The number of matches: from the counts per day, where they suffice. */
export async function totalOf(query: SqlQuery, filter: VisitFilter): Promise<number> {
  const { from = -Infinity, to = Infinity, ...rest } = filter;
  const values = new Values(from, ...wholeDays(from, to), to);
  const counts = countsOf(filter, values);
  const ofVisits = new Values();
  const [row] = await (counts === undefined
    ? query<{ total: number }>(countVisits(whereFew(filter, ofVisits)), ofVisits.all)
    : query<{ total: number }>(totalOfCounts(counts, whereVisits(rest, values)), values.all));
  return row?.total ?? 0;
}

function countsOf(filter: VisitFilter, values: Values): DayCounts | undefined {
  const names = (Object.keys(filter) as Name[]).filter((name) => filter[name] !== undefined);
  if (names.every((name) => COUNTED.includes(name)))
    return { table: 'visit_counts', condition: whereCounts(filter, values), isOfClosed: false };
  const { minDurationMs = 0, maxDurationMs = 0 } = filter;
  if (names.every((name) => DURATIONS.includes(name)) && minDurationMs % 1_000 === 0 && maxDurationMs % 1_000 === 0)
    return { table: 'duration_counts', condition: whereDurations(filter, values), isOfClosed: true };
  return undefined;
}

/** The first whole day in this period, and the end of the last one. Without a whole day, everything comes before them. */
function wholeDays(from: number, to: number): [number, number] {
  const [first, last] = [Math.ceil(from / DAY) * DAY, Math.floor(to / DAY) * DAY];
  return first < last ? [first, last] : [to, to];
}
