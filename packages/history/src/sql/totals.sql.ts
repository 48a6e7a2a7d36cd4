/** Marks the day of the hour `$1` (epoch milliseconds). */
export const touchDay = `
INSERT INTO stream_sessions.touched_days VALUES (date_trunc('day', to_timestamp($1::float8 / 1000), 'UTC')) ON CONFLICT DO NOTHING
`;

/** Takes a day that was over at `$1` (epoch milliseconds). Of one that goes on, the visits themselves are counted. */
export const takeDay = `
WITH due AS (
  SELECT day FROM stream_sessions.touched_days WHERE day < date_trunc('day', to_timestamp($1::float8 / 1000), 'UTC')
  ORDER BY day DESC LIMIT 1
)
DELETE FROM stream_sessions.touched_days t USING due WHERE t.day = due.day
RETURNING (date_part('epoch', t.day) * 1000)::float8 AS day
`;

const day = 'to_timestamp($1::float8 / 1000)';

/** Counts the visits that opened on the day `$1` (epoch milliseconds) anew. */
export const countDay = `
WITH gone AS (DELETE FROM stream_sessions.visit_counts WHERE day = ${day})
INSERT INTO stream_sessions.visit_counts (day, stream, kind, protocol, country, close_reason, visits)
SELECT ${day}, stream, kind, protocol, country, close_reason, count(*) FROM stream_sessions.visits
WHERE opened_at >= ${day} AND opened_at < ${day} + interval '24 hours'
GROUP BY stream, kind, protocol, country, close_reason
`;

/** Of a month that goes, nothing has to be known. */
export const forgetDays = `
WITH counts AS (
  DELETE FROM stream_sessions.visit_counts WHERE day < date_trunc('month', to_timestamp($1::float8 / 1000), 'UTC')
)
DELETE FROM stream_sessions.touched_days WHERE day < date_trunc('month', to_timestamp($1::float8 / 1000), 'UTC')
`;

/**
 * How many visits match: `$1` to `$4` are where the time begins, the first whole day in it, the last one, and where it ends,
 * epoch milliseconds. Of whole days that have not changed since they were counted, the counts are added up, and elsewhere the
 * visits are counted. One statement sees both as they were at one moment, so that nothing is counted twice, or not at all.
 *
 * @param condition what else has to be true of `v`, a visit or a count: the columns have the same names
 */
export const totalOfCounts = (condition: string): string => {
  const at = (n: number): string => `to_timestamp($${n}::float8 / 1000)`;
  const visits = (where: string): string =>
    `(SELECT count(*) FROM stream_sessions.visits v WHERE ${where} AND v.ended_at > ${at(1)} AND ${condition})`;
  return `
WITH changed AS MATERIALIZED (
  SELECT day FROM (
    SELECT date_trunc('day', minute, 'UTC') FROM stream_sessions.touched
    UNION SELECT date_trunc('day', hour, 'UTC') FROM stream_sessions.touched_hours
    UNION SELECT day FROM stream_sessions.touched_days
  ) AS days (day) WHERE day >= ${at(2)} AND day < ${at(3)}
)
SELECT (
  (SELECT coalesce(sum(v.visits), 0) FROM stream_sessions.visit_counts v
   WHERE v.day >= ${at(2)} AND v.day < ${at(3)} AND v.day NOT IN (SELECT day FROM changed) AND ${condition})
  + (SELECT coalesce(sum(n), 0) FROM changed c CROSS JOIN LATERAL (
      SELECT count(*) AS n FROM stream_sessions.visits v
      WHERE v.opened_at >= c.day AND v.opened_at < c.day + interval '24 hours' AND ${condition}) AS of_day)
  + ${visits(`v.opened_at >= ${at(3)} AND v.opened_at < ${at(4)}`)}
  + ${visits(`v.opened_at < ${at(2)} AND v.opened_at >= ${at(1)} - interval '1 hour'`)}
  + ${visits(`v.opened_at < ${at(1)} - interval '1 hour' AND v.ended_at - v.opened_at > interval '1 hour'`)}
)::float8 AS total`;
};
