const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

/** A row of visits in terms that both engines read alike: numbers, and text. */
export const selectVisits = `
SELECT id, ${ms('opened_at')} AS "openedAt", ${ms('ended_at')} AS "endedAt", ${ms('closed_at')} AS "closedAt", stream, kind,
  protocol, array_to_json(protocols)::text AS protocols, abbrev(ip) AS ip, ip_kept AS "ipKept", country,
  user_name AS "userName", named_by AS "namedBy", user_agent AS "userAgent", player, referer, bytes::float8 AS bytes,
  bytes_received::float8 AS "bytesReceived", secure, dvr, close_reason AS "closeReason", close_detail AS "closeDetail",
  tags::text AS tags, quality::text AS quality
FROM stream_sessions.visits v
`;

export const countVisits = 'SELECT count(*)::float8 AS total FROM stream_sessions.visits v';

/** What a filter asks, one parameter each; `$?` is its number. */
export const CONDITIONS = {
  from: 'v.ended_at > to_timestamp($?::float8 / 1000)',
  to: 'v.opened_at < to_timestamp($?::float8 / 1000)',
  stream: 'v.stream = $?::text',
  user: 'v.user_name = $?::text',
  ip: 'v.ip <<= $?::text::inet',
  country: 'v.country = $?::text',
  reason: 'v.close_reason = $?::text',
  protocol: 'v.protocol = $?::text',
  kind: 'v.kind = $?::text',
  minDurationMs: "v.ended_at - v.opened_at >= $?::float8 * interval '1 millisecond'",
  maxDurationMs: "v.ended_at - v.opened_at <= $?::float8 * interval '1 millisecond'",
  hasTag: 'v.tags ? $?::text',
  tag: 'v.tags @> $?::text::jsonb',
  openedAt: 'v.opened_at = to_timestamp($?::float8 / 1000)',
  id: 'v.id = $?::text',
} as const;

/** Rows that come after one, the latest first. */
export const AFTER = '(v.opened_at, v.id) < (to_timestamp($?::float8 / 1000), $?::text)';

export const NEWEST_FIRST = 'ORDER BY v.opened_at DESC, v.id DESC LIMIT $?::int';
