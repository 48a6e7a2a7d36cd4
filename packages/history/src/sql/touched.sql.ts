/** One at a time, in any process: the others skip it. */
export const lockRollUp = 'SELECT pg_try_advisory_xact_lock(7377331, 3) AS mine';

/** The same, but waits for whoever holds the lock. */
export const awaitRollUp = 'SELECT true AS mine FROM pg_advisory_xact_lock(7377331, 3)';

/**
 * Compiling these statements takes longer than running them, and sorting on disk longer than in memory. Large tables are joined
 * with small inputs, which the planner does not know: it would sort the large ones.
 */
export const forCounting = `
SET LOCAL jit = off;
SET LOCAL work_mem = '128MB';
SET LOCAL enable_mergejoin = off;
`;

/**
 * Takes minutes that have to be recounted, latest first. `$1`: the maximum number. `$2`: only those from then on, in epoch
 * milliseconds. What two transactions touched at once is taken when both have ended.
 */
export const takeMinutes = `
WITH due AS (
  SELECT DISTINCT minute FROM stream_sessions.touched WHERE minute >= to_timestamp($2::float8 / 1000)
  ORDER BY minute DESC LIMIT $1::int
), taken AS (
  DELETE FROM stream_sessions.touched t USING due WHERE t.minute = due.minute
)
SELECT (date_part('epoch', minute) * 1000)::float8 AS minute, minute < (SELECT max(before) FROM stream_sessions.frozen) AS frozen
FROM due
`;

/** Records the hours that contain the minutes `$1` (epoch milliseconds). */
export const touchHours = `
INSERT INTO stream_sessions.touched_hours AS h (hour, first, last)
SELECT date_trunc('hour', at, 'UTC') AS hour, min(at), max(at) FROM (
  SELECT to_timestamp(ms / 1000) AS at FROM unnest($1::float8[]) AS ms
) AS minutes GROUP BY 1
ON CONFLICT (hour) DO UPDATE SET first = least(h.first, excluded.first), last = greatest(h.last, excluded.last)
`;

/** Takes the latest hour that has to be recounted, with its first and last touched minutes. */
export const takeHour = `
WITH due AS (SELECT hour FROM stream_sessions.touched_hours ORDER BY hour DESC LIMIT 1)
DELETE FROM stream_sessions.touched_hours t USING due WHERE t.hour = due.hour
RETURNING (date_part('epoch', t.hour) * 1000)::float8 AS hour, (date_part('epoch', t.first) * 1000)::float8 AS first,
  (date_part('epoch', t.last) * 1000)::float8 AS last, t.hour < (SELECT max(before) FROM stream_sessions.frozen) AS frozen
`;
