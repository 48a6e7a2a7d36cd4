const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

/** A row of visits `v` in terms that both engines read alike: numbers, and text. */
const selectRow = `
SELECT id, ${ms('opened_at')} AS "openedAt", ${ms('ended_at')} AS "endedAt", ${ms('closed_at')} AS "closedAt", stream, kind,
  protocol, array_to_json(protocols)::text AS protocols, abbrev(ip) AS ip, ip_kept AS "ipKept", country,
  user_name AS "userName", named_by AS "namedBy", user_agent AS "userAgent", player, referer, bytes::float8 AS bytes,
  bytes_received::float8 AS "bytesReceived", secure, dvr, close_reason AS "closeReason", close_detail AS "closeDetail",
  tags::text AS tags, quality::text AS quality`;

export const selectVisits = `${selectRow} FROM stream_sessions.visits v`;

/** Those that are closed are found by indexes that have no others; who is live has one that has nobody else. */
const found = (condition: string): string => `
SELECT * FROM stream_sessions.visits v WHERE v.closed_at IS NOT NULL AND ${condition}
UNION ALL SELECT * FROM stream_sessions.visits v WHERE v.closed_at IS NULL AND ${condition}`;

/** The same, if few visits match: all of them are looked up and put in order, instead of going through everybody's in order. */
export const selectFewVisits = (condition: string): string =>
  `WITH found AS MATERIALIZED (${found(condition)}) ${selectRow} FROM found v`;

export const countVisits = (condition: string): string =>
  `SELECT count(*)::float8 AS total FROM (${found(condition)}) AS v`;

/** What these statements gain by several processes and by being compiled is less than what both take to begin with. */
export const forLists = 'SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off';

/** Before going through many in order: whatever is sorted is read to its end before that. */
export const inOrder = 'SET LOCAL enable_sort = off';

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
  /** These words are among those of a visit, wherever: the index has them together. */
  words: 'ARRAY[v.kind, v.protocol, v.country, v.close_reason] @> $?::text[]',
  openedAt: 'v.opened_at = to_timestamp($?::float8 / 1000)',
  id: 'v.id = $?::text',
} as const;

/** What is asked of counts of days, where it is another thing than of visits. */
export const OF_COUNTS = {
  noTag: "v.tag = ''",
  hasTag: 'v.tag = $?::text AND v.tag_value IS NULL',
  tag: 'v.tag = $?::text AND v.tag_value = $?::text',
  minSeconds: 'v.seconds >= $?::float8',
  maxSeconds: '(v.seconds < $?::float8 OR v.seconds = $?::float8 AND v.is_whole)',
} as const;

/** Rows that come after one, the latest first. */
export const AFTER = '(v.opened_at, v.id) < (to_timestamp($?::float8 / 1000), $?::text)';

export const NEWEST_FIRST = 'ORDER BY v.opened_at DESC, v.id DESC LIMIT $?::int';
