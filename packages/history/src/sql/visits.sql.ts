const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

/** A row of visits `v` in types that both engines return alike: numbers and text. */
const selectRow = `
SELECT id, ${ms('opened_at')} AS "openedAt", ${ms('ended_at')} AS "endedAt", ${ms('closed_at')} AS "closedAt", stream, kind,
  protocol, array_to_json(protocols)::text AS protocols, abbrev(ip) AS ip, ip_kept AS "ipKept", country,
  user_name AS "userName", named_by AS "namedBy", user_agent AS "userAgent", player, referer, bytes::float8 AS bytes,
  bytes_received::float8 AS "bytesReceived", secure, dvr, close_reason AS "closeReason", close_detail AS "closeDetail",
  tags::text AS tags, quality::text AS quality`;

export const selectVisits = `${selectRow} FROM stream_sessions.visits v`;

/** Closed visits have indexes of their own, and so do live ones, so each part uses its own. */
const found = (condition: string): string => `
SELECT * FROM stream_sessions.visits v WHERE v.closed_at IS NOT NULL AND ${condition}
UNION ALL SELECT * FROM stream_sessions.visits v WHERE v.closed_at IS NULL AND ${condition}`;

/** The same if few visits match: all of them are fetched and sorted, instead of walking all visits in order. */
export const selectFewVisits = (condition: string): string =>
  `WITH found AS MATERIALIZED (${found(condition)}) ${selectRow} FROM found v`;

export const countVisits = (condition: string): string =>
  `SELECT count(*)::float8 AS total FROM (${found(condition)}) AS v`;

/** Parallel workers and compilation would save less for these statements than their start costs. */
export const forLists = 'SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off';

/** Run before walking many rows in order: sorting would first read everything to the end. */
export const inOrder = 'SET LOCAL enable_sort = off';

/** The conditions of a filter, with one parameter each; `$?` is its number. */
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
  /** True if these words are among those of the visit, whichever they are: one index covers them. */
  words: 'ARRAY[v.kind, v.protocol, v.country, v.close_reason] @> $?::text[]',
  openedAt: 'v.opened_at = to_timestamp($?::float8 / 1000)',
  id: 'v.id = $?::text',
} as const;

/** The conditions on daily counts that differ from those on visits. */
export const OF_COUNTS = {
  noTag: "v.tag = ''",
  hasTag: 'v.tag = $?::text AND v.tag_value IS NULL',
  tag: 'v.tag = $?::text AND v.tag_value = $?::text',
  minSeconds: 'v.seconds >= $?::float8',
  maxSeconds: '(v.seconds < $?::float8 OR v.seconds = $?::float8 AND v.is_whole)',
} as const;

/** Rows after the given one, latest first. */
export const AFTER = '(v.opened_at, v.id) < (to_timestamp($?::float8 / 1000), $?::text)';

export const NEWEST_FIRST = 'ORDER BY v.opened_at DESC, v.id DESC LIMIT $?::int';
