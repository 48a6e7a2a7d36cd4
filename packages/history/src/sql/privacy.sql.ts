/** Visits that must no longer be kept in full: `$1` closed before it, `$2` and `$3` the last visit processed. */
export const selectOldAddresses = `
SELECT id, (extract(epoch FROM opened_at) * 1000)::float8 AS "openedAt", host(ip) AS ip, user_name AS "userName"
FROM stream_sessions.visits
WHERE ip_kept = 'full' AND closed_at < to_timestamp($1::float8 / 1000)
  AND (opened_at, id) > (to_timestamp($2::float8 / 1000), $3::text)
ORDER BY opened_at, id LIMIT 1000
`;

export const hideAddresses = `
UPDATE stream_sessions.visits v SET id = n.new_id, ip = n.ip::inet, user_name = n.user_name, ip_kept = $1::text
FROM unnest($2::text[], $3::float8[], $4::text[], $5::text[], $6::text[]) AS n (id, opened, new_id, ip, user_name)
WHERE v.opened_at = to_timestamp(n.opened / 1000) AND v.id = n.id
`;

/** Reduces addresses to networks within the database, since there is no id to change. */
export const hideDenials = `
UPDATE stream_sessions.denials SET
  ip = CASE WHEN $1::text = 'none' THEN NULL ELSE network(set_masklen(ip, CASE family(ip) WHEN 4 THEN 24 ELSE 48 END)) END,
  ip_kept = $1::text
WHERE ip_kept = 'full' AND denied_at < to_timestamp($2::float8 / 1000)
`;

export const viewersOfUser = `
SELECT DISTINCT viewer::text AS viewer FROM stream_sessions.visits WHERE user_name = $1::text AND closed_at IS NOT NULL
`;

export const countLive = `
SELECT count(*)::float8 AS live FROM stream_sessions.visits WHERE user_name = $1::text AND closed_at IS NULL
`;

/**
 * What is left is an anonymous visit, so no figure changes except the counts of tags, which are deleted at once and recounted.
 */
export const eraseVisits = `
WITH erased AS (
  UPDATE stream_sessions.visits v SET
    id = replace(gen_random_uuid()::text, '-', ''), user_name = 'erased', viewer = n.new_viewer::bigint, ip = NULL,
    user_agent = NULL, referer = NULL, tags = '{}', quality = NULL, close_detail = NULL, ip_kept = 'none'
  FROM unnest($2::text[], $3::text[]) AS n (viewer, new_viewer)
  WHERE v.user_name = $1::text AND v.closed_at IS NOT NULL AND v.viewer = n.viewer::bigint
  RETURNING v.opened_at
), days AS (
  SELECT DISTINCT date_trunc('day', opened_at, 'UTC') AS day FROM erased
), touched AS (
  INSERT INTO stream_sessions.touched_days SELECT day FROM days ON CONFLICT DO NOTHING
), gone AS (
  DELETE FROM stream_sessions.visit_counts c USING days WHERE c.day = days.day AND c.tag <> ''
)
SELECT count(*)::float8 AS erased FROM erased
`;

export const eraseViewers = `
UPDATE stream_sessions.day_viewers d SET viewer = n.new_viewer::bigint
FROM unnest($1::text[], $2::text[]) AS n (viewer, new_viewer)
WHERE d.viewer = n.viewer::bigint
`;

export const eraseDenials = `
WITH erased AS (DELETE FROM stream_sessions.denials WHERE user_name = $1::text RETURNING 1)
SELECT count(*)::float8 AS erased FROM erased
`;
