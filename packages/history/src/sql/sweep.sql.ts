import { DIMENSIONS, DVR, present } from './present.sql.js';
import { save } from './save.sql.js';

interface Group {
  readonly by: string;
  readonly key: string;
  readonly where: string;
}

/** Room for the milliseconds of an hour below a number of viewers: one number holds both, so the maximum is found at once. */
const ROOM = 2 ** 22;

/** For its stream, and for all streams under the name ''. */
const inGroup = ({ by, key, where }: Group): string =>
  ["''", 'stream']
    .map((stream) => `SELECT cell, ${stream} AS stream, '${by}' AS by, ${key} AS key FROM cells WHERE ${where}`)
    .join(' UNION ALL ');

/**
 * From `$1` to `$2` (epoch milliseconds), for each span of `spanMs` in this period and each group in it: the number of views, the
 * peak and when it was first reached, the total watch time, and the bytes.
 *
 * It goes once, in order, through the moments at which a viewer comes or leaves, however many spans a visit covers: from each to
 * the next, `n` viewers are present and receive `r` bytes per millisecond. Those present at the beginning count as one edge.
 */
const sweep = (spanMs: number, columns: Readonly<Record<string, string>>, groups: readonly Group[]): string => {
  const names = ['stream', ...Object.keys(columns)].join(', ');
  return `
${present(columns)},
cells AS MATERIALIZED (
  SELECT row_number() OVER ()::int AS cell, * FROM (SELECT DISTINCT ${names} FROM present) AS each
), members AS MATERIALIZED (
  SELECT *, dense_rank() OVER (ORDER BY stream, by, key)::int AS g FROM (${groups.map(inGroup).join(' UNION ALL ')}) AS each
), placed AS (
  SELECT cell, is_new, t0, t1, rate FROM present JOIN cells USING (${names})
), edges AS MATERIALIZED (
  SELECT cell, t0 AS t, count(*)::int AS d, sum(rate) AS r, 0 AS v FROM placed WHERE NOT is_new GROUP BY cell, t0
  UNION ALL SELECT cell, t0, 1, rate, 1 FROM placed WHERE is_new
  UNION ALL SELECT cell, t1, -1, -rate, 0 FROM placed WHERE t1 < $2::bigint
), grouped AS (
  SELECT g, t, d, r, v FROM edges JOIN members USING (cell) WHERE stream <> ''
  UNION ALL
  -- of all streams, many come in the same millisecond
  SELECT g, t, sum(d)::int, sum(r), sum(v)::int FROM edges JOIN members USING (cell) WHERE stream = '' GROUP BY g, t
), steps AS (
  SELECT g, t, v, sum(d) OVER moments AS n, sum(r) OVER moments AS r, lead(t, 1, $2::bigint) OVER moments AS till
  FROM grouped
  WINDOW moments AS (PARTITION BY g ORDER BY t)
), pieces AS (
  SELECT g, t / ${spanMs} AS span, t, v, n, r, least(till, (t / ${spanMs} + 1) * ${spanMs}) AS till FROM steps WHERE n > 0
  UNION ALL
  SELECT g, span, span * ${spanMs}, 0, n, r, least(till, (span + 1) * ${spanMs})
  FROM steps, generate_series(t / ${spanMs} + 1, (till - 1) / ${spanMs}) AS span
  WHERE n > 0 AND till > (t / ${spanMs} + 1) * ${spanMs}
), sums AS (
  SELECT g, span * ${spanMs} AS ms, sum(v) AS views, max(n * ${ROOM} + ${ROOM - 1} - (t - span * ${spanMs})) AS highest,
    sum((n * (till - t))::float8)::bigint AS watch_ms, sum(r * (till - t)) AS bytes
  FROM pieces GROUP BY g, span
), swept AS (
  SELECT to_timestamp(ms / 1000.0::float8) AS at, stream, by, key, views, highest / ${ROOM} AS peak,
    to_timestamp((ms + ${ROOM - 1} - highest % ${ROOM}) / 1000.0::float8) AS peak_at, watch_ms, bytes
  FROM sums JOIN (SELECT DISTINCT g, stream, by, key FROM members) AS names USING (g)
)`;
};

const span = 'span AS (SELECT to_timestamp($1::float8 / 1000) AS at, to_timestamp($2::float8 / 1000) AS till)';

/** All minutes from `$1` to `$2`. */
export const sweepMinutes = `
WITH ${sweep(60_000, { dvr: DVR }, [
  { by: '', key: `''`, where: 'true' },
  { by: 'dvr', key: `'dvr'`, where: 'dvr' },
])}, ${span},
fresh AS MATERIALIZED (SELECT * FROM swept)
${save('minutes', 'true')}`;

const PLAIN = ['player', 'reason'] as const;

/** The hour from `$1` to `$2` by protocol, country, player and reason; concurrent viewers only by the first two. */
export const sweepHour = `
WITH ${sweep(3_600_000, DIMENSIONS, [
  { by: 'protocol', key: 'protocol', where: 'true' },
  { by: 'country', key: 'country', where: 'true' },
])}, ${span},
fresh AS MATERIALIZED (
  SELECT * FROM swept
  UNION ALL
  SELECT to_timestamp($1::float8 / 1000), coalesce(stream, ''),
    CASE ${PLAIN.map((column) => `WHEN grouping(${column}) = 0 THEN '${column}'`).join(' ')} END,
    CASE ${PLAIN.map((column) => `WHEN grouping(${column}) = 0 THEN ${column}`).join(' ')} END,
    count(*) FILTER (WHERE is_new), 0, NULL, sum((t1 - t0)::float8)::bigint, sum(rate * (t1 - t0))
  FROM present GROUP BY GROUPING SETS (${PLAIN.map((column) => `(stream, ${column}), (${column})`).join(', ')})
)
${save('hours', "m.by NOT IN ('', 'dvr')")}`;
