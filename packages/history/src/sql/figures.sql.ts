/** `$2` … `$7`: where minutes, hours, days, hours, minutes and nothing begin. `$1` is the stream, '' for all. */
const pieces = (where: string): string => {
  const columns = 'stream, by, key, views, peak, peak_at, watch_ms, bytes';
  const time = (n: number): string => `to_timestamp($${n}::float8 / 1000)`;
  const between = (a: number, b: number): string => `(at >= ${time(a)} AND at < ${time(b)})`;
  return `
    SELECT ${columns} FROM stream_sessions.days WHERE ${where} AND ${between(4, 5)}
    UNION ALL SELECT ${columns} FROM stream_sessions.hours WHERE ${where} AND (${between(3, 4)} OR ${between(5, 6)})
    UNION ALL SELECT ${columns} FROM stream_sessions.minutes WHERE ${where} AND (${between(2, 3)} OR ${between(6, 7)})`;
};

const sums = `
  sum(views)::float8 AS views, max(peak)::float8 AS peak, sum(watch_ms)::float8 AS "watchMs", sum(bytes)::float8 AS bytes,
  (extract(epoch FROM (array_agg(peak_at ORDER BY peak DESC, peak_at))[1]) * 1000)::float8 AS "peakAt"`;

/** Everything that there is of a stream in some time. */
export const selectFigures = `SELECT by, key, ${sums} FROM (${pieces('stream = $1::text')}) AS f GROUP BY by, key`;

/** Of each stream but the one that stands for all. */
export const selectStreams = `
SELECT stream, ${sums} FROM (${pieces("stream <> $1::text AND by = ''")}) AS f GROUP BY stream
`;

export const selectUniques = `
SELECT coalesce(sum(viewers), 0)::float8 AS viewers FROM stream_sessions.day_uniques
WHERE stream = $1::text AND at >= to_timestamp($2::float8 / 1000) AND at < to_timestamp($3::float8 / 1000)
`;

/** `$2`, `$3`: from when to when; `$4`: the length of a step. Milliseconds. */
const steps = (table: string): string => `
SELECT floor((extract(epoch FROM at)::float8 * 1000 - $2::float8) / $4::float8)::int AS step, max(peak)::float8 AS peak,
  sum(watch_ms)::float8 AS "watchMs", sum(views)::float8 AS views
FROM stream_sessions.${table}
WHERE stream = $1::text AND by = '' AND key = ''
  AND at >= to_timestamp($2::float8 / 1000) AND at < to_timestamp($3::float8 / 1000)
GROUP BY 1
`;

export const stepsOfMinutes = steps('minutes');
export const stepsOfHours = steps('hours');

/** How many different people were there, from the visits themselves; undefined where these are gone. */
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
