/** Records that this writer (`$1`) was alive at `$2`, in epoch milliseconds. */
export const noteWriter = `
INSERT INTO stream_sessions.writers (id, seen_at) VALUES ($1::uuid, to_timestamp($2::float8 / 1000))
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
`;

/** Closes visits whose writer has not been heard from since `$1`: nobody else will report their end. */
export const closeLost = `
WITH lost AS (
  UPDATE stream_sessions.visits v SET closed_at = ended_at, close_reason = 'lost'
  WHERE closed_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM stream_sessions.writers w WHERE w.id = v.writer AND w.seen_at > to_timestamp($1::float8 / 1000))
  RETURNING opened_at, ended_at, kind
)
INSERT INTO stream_sessions.touched (minute)
SELECT DISTINCT m FROM lost,
  generate_series(date_trunc('minute', opened_at, 'UTC'),
    CASE WHEN kind = 'viewer' THEN ended_at - interval '1 microsecond' ELSE opened_at END, interval '1 minute') m
`;

export const forgetWriters = `
DELETE FROM stream_sessions.writers w
WHERE seen_at < to_timestamp($1::float8 / 1000)
  AND NOT EXISTS (SELECT 1 FROM stream_sessions.visits v WHERE v.closed_at IS NULL AND v.writer = w.id)
`;

/**
 * Records broadcasts whose visits are about to be dropped, with the number of different viewers. `$1`: visits that opened before
 * it are dropped.
 */
export const countBroadcasts = `
INSERT INTO stream_sessions.broadcasts (id, opened_at, ended_at, stream, viewers)
SELECT b.id, b.opened_at, b.ended_at, b.stream, (
  SELECT count(DISTINCT v.viewer) FROM stream_sessions.visits v
  WHERE v.kind = 'viewer' AND v.stream = b.stream AND v.opened_at < b.ended_at AND v.ended_at > b.opened_at)
FROM stream_sessions.visits b
WHERE b.kind = 'input' AND b.opened_at < date_trunc('month', to_timestamp($1::float8 / 1000), 'UTC')
ON CONFLICT DO NOTHING
`;

/** Nothing before this time can be counted again from the visits that are dropped. */
export const freezeVisits = `
UPDATE stream_sessions.frozen SET before = greatest(before, (
  SELECT date_trunc('minute', max(ended_at), 'UTC') + interval '1 minute' FROM stream_sessions.visits
  WHERE opened_at < date_trunc('month', to_timestamp($1::float8 / 1000), 'UTC')))
`;

export const freezeMinutes = `
UPDATE stream_sessions.frozen SET before = greatest(before, date_trunc('month', to_timestamp($1::float8 / 1000), 'UTC'))
`;

/** `$1`: a table; `$2`: months that ended before this are dropped. */
export const dropMonths = `SELECT stream_sessions.drop_months($1::text, to_timestamp($2::float8 / 1000)) AS dropped`;

export const deleteHours = 'DELETE FROM stream_sessions.hours WHERE at < to_timestamp($1::float8 / 1000)';
export const deleteDays = 'DELETE FROM stream_sessions.days WHERE at < to_timestamp($1::float8 / 1000)';
