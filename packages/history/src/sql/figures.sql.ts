import { DIMENSIONS, present } from './present.sql.js';

const columns = 'stream, by, key, views, peak, peak_at, watch_ms, bytes';
const time = (n: number): string => `to_timestamp($${n}::float8 / 1000)`;
const between = (a: number, b: number): string => `(at >= ${time(a)} AND at < ${time(b)})`;
/** `$1` is the stream, '' for all. `$n` and the next three: the starts of the hours, days and hours, and their end. */
const hoursAndDays = (where: string, n: number): string => `
    SELECT ${columns} FROM stream_sessions.days WHERE ${where} AND ${between(n + 1, n + 2)}
    UNION ALL SELECT ${columns} FROM stream_sessions.hours
      WHERE ${where} AND (${between(n, n + 1)} OR ${between(n + 2, n + 3)})`;
/** `$2` … `$7`: the starts of the minutes, hours, days, hours and minutes, and the end of it all. */
const pieces = (where: string): string => `${hoursAndDays(where, 3)}
    UNION ALL SELECT ${columns} FROM stream_sessions.minutes WHERE ${where} AND (${between(2, 3)} OR ${between(6, 7)})`;

const sums = `
  sum(views)::float8 AS views, max(peak)::float8 AS peak, sum(watch_ms)::float8 AS "watchMs", sum(bytes)::float8 AS bytes,
  (extract(epoch FROM (array_agg(peak_at ORDER BY peak DESC, peak_at))[1]) * 1000)::float8 AS "peakAt"`;

/** All viewers of a stream in a period, and those who watched another time than live. */
export const selectFigures = `
SELECT by, key, ${sums} FROM (${pieces("stream = $1::text AND by IN ('', 'dvr')")}) AS f GROUP BY by, key
`;

/** The same by protocol, country, player and reason, in whole hours. */
export const selectShares = `
SELECT by, key, ${sums} FROM (${hoursAndDays("stream = $1::text AND by NOT IN ('', 'dvr')", 2)}) AS f GROUP BY by, key
`;

const names = Object.keys(DIMENSIONS);
const named = (then: (name: string) => string): string =>
  names.map((name) => `WHEN grouping(${name}) = 0 THEN ${then(name)}`).join(' ');

/** For a part of an hour, from `$1` to `$2`, shares are counted from the visits themselves. `$3` is the stream, '' for all. */
export const countShares = `
WITH ${present(DIMENSIONS, "($3::text = '' OR v.stream = $3::text)")}
SELECT CASE ${named((name) => `'${name}'`)} END AS by, CASE ${named((name) => name)} END AS key,
  (count(*) FILTER (WHERE is_new))::float8 AS views, sum((t1 - t0)::float8) AS "watchMs", sum(rate * (t1 - t0)) AS bytes
FROM present GROUP BY GROUPING SETS (${names.map((name) => `(${name})`).join(', ')})
`;

/** For each stream, except the one that stands for all. */
export const selectStreams = `
SELECT stream, ${sums} FROM (${pieces("stream <> $1::text AND by = ''")}) AS f GROUP BY stream
`;

export const selectUniques = `
SELECT coalesce(sum(viewers), 0)::float8 AS viewers FROM stream_sessions.day_uniques
WHERE stream = $1::text AND at >= to_timestamp($2::float8 / 1000) AND at < to_timestamp($3::float8 / 1000)
`;

/** `$2`, `$3`: start and end; `$4`: the length of a step. Milliseconds. */
const steps = (table: string): string => `
SELECT round((date_part('epoch', bin) * 1000 - $2::float8) / $4::float8)::int AS step, peak, "watchMs", views FROM (
  SELECT date_bin(make_interval(secs => $4::float8 / 1000), at, to_timestamp($2::float8 / 1000)) AS bin,
    max(peak)::float8 AS peak, sum(watch_ms::float8) AS "watchMs", sum(views::float8) AS views
  FROM stream_sessions.${table}
  WHERE stream = $1::text AND by = '' AND key = ''
    AND at >= to_timestamp($2::float8 / 1000) AND at < to_timestamp($3::float8 / 1000)
  GROUP BY 1
) AS bins
`;

export const stepsOfMinutes = steps('minutes');
export const stepsOfHours = steps('hours');

/** The number of different viewers, from the visits themselves; undefined if these are gone. */
export const countViewers = `
SELECT count(DISTINCT viewer)::float8 AS viewers FROM stream_sessions.visits
WHERE kind = 'viewer' AND stream = $1::text AND opened_at < to_timestamp($3::float8 / 1000)
  AND ended_at > to_timestamp($2::float8 / 1000)
`;

export const selectBroadcast = `
SELECT viewers::float8 AS viewers FROM stream_sessions.broadcasts
WHERE id = $1::text AND opened_at = to_timestamp($2::float8 / 1000)
`;

export const isFrozen = `
SELECT to_timestamp($1::float8 / 1000) < before AS frozen FROM stream_sessions.frozen
`;
