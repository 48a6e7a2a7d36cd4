import { save } from './save.sql.js';

/**
 * Longer spans from the shorter ones in them: sums, and the highest peak. `$1`: their starts, in epoch milliseconds. `$2`: true
 * for the figures of all viewers and of those who watch another time than live, false for all others.
 */
const roll = (into: string, from: string, unit: string): string => `
WITH span AS (
  SELECT to_timestamp(ms / 1000) AS at, to_timestamp(ms / 1000) + interval '${unit}' AS till FROM unnest($1::float8[]) ms
), fresh AS MATERIALIZED (
  SELECT s.at, f.stream, f.by, f.key, sum(f.views) AS views, max(f.peak) AS peak,
    (array_agg(f.peak_at ORDER BY f.peak DESC, f.peak_at))[1] AS peak_at, sum(f.watch_ms) AS watch_ms, sum(f.bytes) AS bytes
  FROM span s JOIN stream_sessions.${from} f ON f.at >= s.at AND f.at < s.till AND (f.by IN ('', 'dvr')) = $2::boolean
  GROUP BY s.at, f.stream, f.by, f.key
)
${save(into, "(m.by IN ('', 'dvr')) = $2::boolean")}`;

export const rollHours = roll('hours', 'minutes', '1 hour');
/** A day is a UTC day: it has 24 hours, regardless of daylight saving time. */
export const rollDays = roll('days', 'hours', '24 hours');

/**
 * Counts new viewers on the day `$3`: those who opened between `$1` and `$2`, or were already present at the start, if this is
 * the start of the day. The set records who has been counted; the number stays when the set is dropped. Epoch milliseconds.
 */
export const countUniques = `
WITH time AS (
  SELECT to_timestamp($1::float8 / 1000) AS first, to_timestamp($2::float8 / 1000) AS till, to_timestamp($3::float8 / 1000) AS day
), came AS (
  SELECT v.stream, v.viewer FROM stream_sessions.visits v
  WHERE v.kind = 'viewer' AND v.opened_at >= (SELECT first FROM time) AND v.opened_at < (SELECT till FROM time)
  UNION
  SELECT v.stream, v.viewer FROM stream_sessions.visits v
  WHERE $1::float8 = $3::float8 AND v.kind = 'viewer' AND v.opened_at < (SELECT day FROM time)
    AND v.ended_at > (SELECT day FROM time)
), fresh AS (
  INSERT INTO stream_sessions.day_viewers (at, stream, viewer) SELECT (SELECT day FROM time), stream, viewer FROM came
  ON CONFLICT DO NOTHING
  RETURNING stream, viewer
), counted AS (
  SELECT stream, count(*) AS viewers FROM fresh GROUP BY stream
  UNION ALL
  SELECT '', count(DISTINCT f.viewer) FROM fresh f
  -- the statement does not see what it has put there itself
  WHERE NOT EXISTS (
    SELECT 1 FROM stream_sessions.day_viewers d WHERE d.at = (SELECT day FROM time) AND d.viewer = f.viewer)
)
INSERT INTO stream_sessions.day_uniques AS u (at, stream, viewers)
SELECT (SELECT day FROM time), stream, viewers FROM counted WHERE viewers > 0
ON CONFLICT (stream, at) DO UPDATE SET viewers = u.viewers + excluded.viewers
`;
