/** By what figures are split: not at all, or by one of these columns. */
const BY = ['dvr', 'protocol', 'country', 'player', 'reason'] as const;
/** Of these, how many were there at once is known too. */
const BY_PEAK = ['dvr', 'protocol', 'country'] as const;

const sets = (by: readonly string[], more: string): string =>
  ['at', 'at, stream']
    .flatMap((of) => [`(${of}${more})`, ...by.map((column) => `(${of}${more}, ${column})`)])
    .join(', ');

/** Which set a row is of. */
const named = (by: readonly string[]): string => `
    CASE WHEN grouping(stream) = 1 THEN '' ELSE stream END AS stream,
    CASE ${by.map((column) => `WHEN grouping(${column}) = 0 THEN '${column}'`).join(' ')} ELSE '' END AS by,
    CASE ${by.map((column) => `WHEN grouping(${column}) = 0 THEN ${column}`).join(' ')} ELSE '' END AS key`;

/** One at a time, whoever asks: the others let it be. */
export const lockRollUp = 'SELECT pg_try_advisory_xact_lock(7377331, 3) AS mine';

/** The same, after whoever does it now. */
export const awaitRollUp = 'SELECT true AS mine FROM pg_advisory_xact_lock(7377331, 3)';

/**
 * Takes minutes that have to be counted anew, the latest first. `$1`: at most so many. `$2`: those from then on, in epoch
 * milliseconds. What two transactions touched at once is taken when both are over.
 */
export const takeTouched = `
WITH due AS (
  SELECT DISTINCT minute FROM stream_sessions.touched WHERE minute >= to_timestamp($2::float8 / 1000)
  ORDER BY minute DESC LIMIT $1::int
), taken AS (
  DELETE FROM stream_sessions.touched t USING due WHERE t.minute = due.minute
)
SELECT (extract(epoch FROM minute) * 1000)::float8 AS minute, minute < (SELECT max(before) FROM stream_sessions.frozen) AS frozen
FROM due
`;

/**
 * Viewers' visits in the minutes `$1` (epoch milliseconds), a row for each minute that they are there. They are read once for
 * all minutes: the indexes know when a visit ended, or when it opened, but not both.
 */
const present = (columns: string): string => `
span AS (
  SELECT to_timestamp(ms / 1000) AS at, to_timestamp(ms / 1000) + interval '1 minute' AS till FROM unnest($1::float8[]) ms
), present AS MATERIALIZED (
  SELECT s.at, s.till, v.stream, v.opened_at, v.ended_at, ${columns}
  FROM stream_sessions.visits v
  CROSS JOIN LATERAL generate_series(
    greatest(date_trunc('minute', v.opened_at, 'UTC'), (SELECT min(at) FROM span)),
    least(v.ended_at - interval '1 microsecond', (SELECT max(at) FROM span)), interval '1 minute') AS m
  JOIN span s ON s.at = m
  WHERE v.ended_at > (SELECT min(at) FROM span) AND v.opened_at < (SELECT max(till) FROM span) AND v.kind = 'viewer'
)`;

/** The minutes `$1` (epoch milliseconds) of every stream, and of all streams as the stream '', from the visits alone. */
export const rollMinutes = `
WITH ${present(`CASE WHEN v.dvr THEN 'dvr' ELSE 'live' END AS dvr, v.protocol, coalesce(v.country, '') AS country, v.player,
    coalesce(v.close_reason, '') AS reason, v.bytes, greatest(v.opened_at, s.at) AS t0, least(v.ended_at, s.till) AS t1`)},
sums AS (
  SELECT at, ${named(BY)},
    count(*) FILTER (WHERE opened_at >= at) AS views,
    sum(extract(epoch FROM t1 - t0) * 1000)::bigint AS watch_ms,
    sum(bytes * (extract(epoch FROM t1 - t0) / extract(epoch FROM ended_at - opened_at))::float8) AS bytes
  FROM present GROUP BY GROUPING SETS (${sets(BY, '')})
), steps AS (
  SELECT at, ${named(BY_PEAK)}, t, sum(d) AS d
  FROM (
    SELECT at, stream, dvr, protocol, country, t0 AS t, 1 AS d FROM present
    UNION ALL
    SELECT at, stream, dvr, protocol, country, t1, -1 FROM present WHERE t1 < till
  ) AS edges GROUP BY GROUPING SETS (${sets(BY_PEAK, ', t')})
), counts AS (
  SELECT at, stream, by, key, t, sum(d) OVER (PARTITION BY at, stream, by, key ORDER BY t) AS n FROM steps
), peaks AS (
  SELECT DISTINCT ON (at, stream, by, key) at, stream, by, key, n, t FROM counts
  ORDER BY at, stream, by, key, n DESC, t
), fresh AS MATERIALIZED (
  SELECT s.at, s.stream, s.by, s.key, s.views, coalesce(p.n, 0)::bigint AS peak, p.t AS peak_at, s.watch_ms, s.bytes
  FROM sums s LEFT JOIN peaks p ON p.at = s.at AND p.stream = s.stream AND p.by = s.by AND p.key = s.key
), gone AS (
  DELETE FROM stream_sessions.minutes m USING span
  WHERE m.at = span.at AND NOT EXISTS (
    SELECT 1 FROM fresh f WHERE f.at = m.at AND f.stream = m.stream AND f.by = m.by AND f.key = m.key)
)
INSERT INTO stream_sessions.minutes AS m (at, stream, by, key, views, peak, peak_at, watch_ms, bytes)
SELECT at, stream, by, key, views, peak, peak_at, watch_ms, bytes FROM fresh
ON CONFLICT (stream, by, key, at) DO UPDATE SET
  views = excluded.views, peak = excluded.peak, peak_at = excluded.peak_at, watch_ms = excluded.watch_ms,
  bytes = excluded.bytes
WHERE (m.views, m.peak, m.peak_at, m.watch_ms, m.bytes)
  IS DISTINCT FROM (excluded.views, excluded.peak, excluded.peak_at, excluded.watch_ms, excluded.bytes)
`;

/** Longer spans from the shorter ones in them: sums, and the highest peak. `$1`: where they begin, epoch milliseconds. */
const roll = (into: string, from: string, unit: string): string => `
WITH span AS (
  SELECT to_timestamp(ms / 1000) AS at, to_timestamp(ms / 1000) + interval '${unit}' AS till FROM unnest($1::float8[]) ms
), fresh AS MATERIALIZED (
  SELECT s.at, f.stream, f.by, f.key, sum(f.views) AS views, max(f.peak) AS peak,
    (array_agg(f.peak_at ORDER BY f.peak DESC, f.peak_at))[1] AS peak_at, sum(f.watch_ms) AS watch_ms, sum(f.bytes) AS bytes
  FROM span s JOIN stream_sessions.${from} f ON f.at >= s.at AND f.at < s.till
  GROUP BY s.at, f.stream, f.by, f.key
), gone AS (
  DELETE FROM stream_sessions.${into} m USING span
  WHERE m.at = span.at AND NOT EXISTS (
    SELECT 1 FROM fresh f WHERE f.at = m.at AND f.stream = m.stream AND f.by = m.by AND f.key = m.key)
)
INSERT INTO stream_sessions.${into} AS m (at, stream, by, key, views, peak, peak_at, watch_ms, bytes)
SELECT at, stream, by, key, views, peak, peak_at, watch_ms, bytes FROM fresh
ON CONFLICT (stream, by, key, at) DO UPDATE SET
  views = excluded.views, peak = excluded.peak, peak_at = excluded.peak_at, watch_ms = excluded.watch_ms,
  bytes = excluded.bytes
WHERE (m.views, m.peak, m.peak_at, m.watch_ms, m.bytes)
  IS DISTINCT FROM (excluded.views, excluded.peak, excluded.peak_at, excluded.watch_ms, excluded.bytes)
`;

export const rollHours = roll('hours', 'minutes', '1 hour');
/** A day is one of UTC: it has 24 hours, whatever clocks on walls do. */
export const rollDays = roll('days', 'hours', '24 hours');

/**
 * Who is new in the days of the minutes `$1`: who opened in them, or was there when a day began. The set says who was counted
 * already; the number stays when the set is dropped.
 */
export const countUniques = `
WITH ${present("v.viewer, date_trunc('day', s.at, 'UTC') AS day")},
fresh AS (
  INSERT INTO stream_sessions.day_viewers (at, stream, viewer)
  SELECT day, stream, viewer FROM present WHERE opened_at >= at OR at = day
  UNION SELECT day, '', viewer FROM present WHERE opened_at >= at OR at = day
  ON CONFLICT DO NOTHING
  RETURNING at, stream
)
INSERT INTO stream_sessions.day_uniques AS u (at, stream, viewers)
SELECT at, stream, count(*) FROM fresh GROUP BY at, stream
ON CONFLICT (stream, at) DO UPDATE SET viewers = u.viewers + excluded.viewers
`;
