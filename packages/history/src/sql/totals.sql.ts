/** Marks the day of the hour `$1` (epoch milliseconds). */
export const touchDay = `
INSERT INTO stream_sessions.touched_days VALUES (date_trunc('day', to_timestamp($1::float8 / 1000), 'UTC')) ON CONFLICT DO NOTHING
`;

/** Takes a day that was over at `$1` (epoch milliseconds). For the current day, the visits themselves are counted. */
export const takeDay = `
WITH due AS (
  SELECT day FROM stream_sessions.touched_days WHERE day < date_trunc('day', to_timestamp($1::float8 / 1000), 'UTC')
  ORDER BY day DESC LIMIT 1
)
DELETE FROM stream_sessions.touched_days t USING due WHERE t.day = due.day
RETURNING (date_part('epoch', t.day) * 1000)::float8 AS day
`;

const day = 'to_timestamp($1::float8 / 1000)';

/**
 * Recounts the visits that opened on the day `$1` (epoch milliseconds): all of them under the tag '', and those with a tag under
 * its name, and under its name and value.
 */
export const countDay = `
WITH gone AS (DELETE FROM stream_sessions.visit_counts WHERE day = ${day})
INSERT INTO stream_sessions.visit_counts (day, stream, kind, protocol, country, close_reason, tag, tag_value, visits)
SELECT ${day}, stream, kind, protocol, country, close_reason, tag, tag_value, count(*)
FROM stream_sessions.visits v CROSS JOIN LATERAL (
  SELECT '', NULL::text UNION ALL SELECT key, NULL FROM jsonb_object_keys(v.tags) AS key
  UNION ALL SELECT key, value FROM jsonb_each_text(v.tags)
) AS tags (tag, tag_value)
WHERE opened_at >= ${day} AND opened_at < ${day} + interval '24 hours'
GROUP BY stream, kind, protocol, country, close_reason, tag, tag_value
`;

/**
 * The same by whole seconds of duration, with whether the duration is exact to the millisecond; without live visits, which are
 * still growing.
 */
export const countDurations = `
WITH gone AS (DELETE FROM stream_sessions.duration_counts WHERE day = ${day})
INSERT INTO stream_sessions.duration_counts (day, seconds, is_whole, visits)
SELECT ${day}, floor(s), s = floor(s), count(*) FROM (
  SELECT extract(epoch FROM ended_at - opened_at) AS s FROM stream_sessions.visits
  WHERE opened_at >= ${day} AND opened_at < ${day} + interval '24 hours' AND closed_at IS NOT NULL
) AS durations GROUP BY 2, 3
`;

/** Forgets the days of a dropped month. `$1`: a time in it, or after it. */
export const forgetDays = ['visit_counts', 'duration_counts', 'touched_days'].map(
  (table) =>
    `DELETE FROM stream_sessions.${table} WHERE day < date_trunc('month', to_timestamp($1::float8 / 1000), 'UTC')`,
);

/** What the daily counts tell about the visits that match a filter. */
export interface DayCounts {
  readonly table: 'visit_counts' | 'duration_counts';
  /** The condition for a count `v`. */
  readonly condition: string;
  /** Live visits are not included, and have to be counted individually. */
  readonly isOfClosed: boolean;
}

/**
 * The number of matching visits: `$1` to `$4` are the start of the period, the first whole day in it, the end of the last one,
 * and the end of the period, in epoch milliseconds. For whole days that have not changed since they were counted, the counts are
 * added up; otherwise the visits are counted. A single statement sees both at the same moment, so that nothing is counted twice
 * or missed.
 *
 * @param condition The condition for a visit `v`
 */
export const totalOfCounts = (counts: DayCounts, condition: string): string => {
  const at = (n: number): string => `to_timestamp($${n}::float8 / 1000)`;
  const visits = (where: string): string =>
    `(SELECT count(*) FROM stream_sessions.visits v WHERE ${where} AND v.ended_at > ${at(1)} AND ${condition})`;
  const unchanged = (time: string, itsDay: string): string =>
    `${time} >= ${at(2)} AND ${time} < ${at(3)} AND ${itsDay} NOT IN (SELECT day FROM changed)`;
  return `
WITH changed AS MATERIALIZED (
  SELECT day FROM (
    SELECT date_trunc('day', minute, 'UTC') FROM stream_sessions.touched
    UNION SELECT date_trunc('day', hour, 'UTC') FROM stream_sessions.touched_hours
    UNION SELECT day FROM stream_sessions.touched_days
  ) AS days (day) WHERE day >= ${at(2)} AND day < ${at(3)}
)
SELECT (
  (SELECT coalesce(sum(v.visits), 0) FROM stream_sessions.${counts.table} v
   WHERE ${unchanged('v.day', 'v.day')} AND ${counts.condition})
  + ${counts.isOfClosed ? visits(`v.closed_at IS NULL AND ${unchanged('v.opened_at', "date_trunc('day', v.opened_at, 'UTC')")}`) : 0}
  + (SELECT coalesce(sum(n), 0) FROM changed c CROSS JOIN LATERAL (
      SELECT count(*) AS n FROM stream_sessions.visits v
      WHERE v.opened_at >= c.day AND v.opened_at < c.day + interval '24 hours' AND ${condition}) AS of_day)
  + ${visits(`v.opened_at >= ${at(3)} AND v.opened_at < ${at(4)}`)}
  + ${visits(`v.opened_at < ${at(2)} AND v.opened_at >= ${at(1)} - interval '1 hour'`)}
  + ${visits(`v.opened_at < ${at(1)} - interval '1 hour' AND v.ended_at - v.opened_at > interval '1 hour'`)}
)::float8 AS total`;
};
