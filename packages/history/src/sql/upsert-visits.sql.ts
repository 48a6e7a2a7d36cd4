/** The parameters of `upsertVisits` in order, each an array with one column of all rows. `$1` is the writer. */
export const VISIT_COLUMNS = [
  ['id', 'text'],
  ['openedAt', 'float8'],
  ['endedAt', 'float8'],
  ['closedAt', 'float8'],
  ['stream', 'text'],
  ['kind', 'text'],
  ['protocol', 'text'],
  ['protocols', 'text'],
  ['ip', 'text'],
  ['country', 'text'],
  ['userName', 'text'],
  ['namedBy', 'text'],
  ['viewer', 'text'],
  ['userAgent', 'text'],
  ['player', 'text'],
  ['referer', 'text'],
  ['bytes', 'float8'],
  ['bytesReceived', 'float8'],
  ['secure', 'boolean'],
  ['dvr', 'boolean'],
  ['closeReason', 'text'],
  ['closeDetail', 'text'],
  ['tags', 'text'],
  ['quality', 'text'],
  ['ipKept', 'text'],
] as const;

const given = VISIT_COLUMNS.map(([, type], i) => `$${i + 2}::${type}[]`).join(', ');

/** Fields that are unknown when other nodes report a visit after the death of its own node: they keep their values. */
const seen = [
  ...[
    'protocol',
    'protocols',
    'ip',
    'country',
    'user_name',
    'named_by',
    'user_agent',
    'player',
    'referer',
    'secure',
    'dvr',
  ],
  ...['tags', 'quality', 'ip_kept'],
]
  .map((column) => `${column} = CASE WHEN excluded.protocol = '' THEN v.${column} ELSE excluded.${column} END`)
  .join(', ');

/**
 * Writes visits, and records which minutes have to be recounted. A closed visit stays as it is; one that was given up as lost but
 * is reported again was not lost. Repeated rows change nothing.
 *
 * A continuing visit touches the minutes since it was last reported; a closed one touches all of its minutes, over which its
 * bytes are spread. For anything but viewers, only the day of opening is counted. Visits whose minutes begin in the same hour and
 * end in the same hour are grouped, so that each long one does not need a list of all its minutes; recounting a minute in between
 * unnecessarily changes nothing.
 */
export const upsertVisits = `
WITH input AS (
  SELECT
    id, to_timestamp(opened / 1000) AS opened_at, to_timestamp(ended / 1000) AS ended_at,
    to_timestamp(closed / 1000) AS closed_at, stream, kind, protocol, string_to_array(protocols, E'\\x1f') AS protocols,
    ip::inet AS ip, country, user_name, named_by, viewer::bigint AS viewer, user_agent, player, referer,
    bytes::bigint AS bytes, bytes_received::bigint AS bytes_received, secure, dvr, close_reason, close_detail,
    tags::jsonb AS tags, quality::jsonb AS quality, ip_kept
  FROM unnest(${given}) AS t (
    id, opened, ended, closed, stream, kind, protocol, protocols, ip, country, user_name, named_by, viewer, user_agent,
    player, referer, bytes, bytes_received, secure, dvr, close_reason, close_detail, tags, quality, ip_kept)
), written AS (
  INSERT INTO stream_sessions.visits AS v (
    id, opened_at, ended_at, closed_at, stream, kind, protocol, protocols, ip, country, user_name, named_by, viewer,
    user_agent, player, referer, bytes, bytes_received, secure, dvr, close_reason, close_detail, tags, quality, ip_kept,
    writer)
  SELECT input.*, $1::uuid FROM input
  ON CONFLICT (opened_at, id) DO UPDATE SET
    ended_at = greatest(v.ended_at, excluded.ended_at), closed_at = excluded.closed_at, stream = excluded.stream,
    kind = excluded.kind, ${seen},
    bytes = greatest(v.bytes, excluded.bytes), bytes_received = greatest(v.bytes_received, excluded.bytes_received),
    close_reason = excluded.close_reason, close_detail = excluded.close_detail,
    writer = excluded.writer
  WHERE (v.closed_at IS NULL AND (excluded.closed_at IS NOT NULL OR excluded.ended_at >= v.ended_at))
    OR (v.close_reason = 'lost' AND (excluded.close_reason IS DISTINCT FROM 'lost') AND excluded.ended_at >= v.ended_at)
  RETURNING v.id, v.opened_at, v.ended_at, v.closed_at, v.stream, v.kind, v.dvr, v.protocol, v.country,
    v.player, v.close_reason, v.tags
)
INSERT INTO stream_sessions.touched (minute)
SELECT DISTINCT m
FROM (
  SELECT min(first) AS first, max(last) AS last FROM (
    SELECT
      date_trunc('minute', CASE WHEN b.is_same THEN b.ended_at - interval '1 microsecond' ELSE w.opened_at END, 'UTC') AS first,
      CASE WHEN w.kind = 'viewer' THEN w.ended_at - interval '1 microsecond' ELSE w.opened_at END AS last
    FROM written w LEFT JOIN LATERAL (
      -- as it was: a statement does not see what it changes. Row by row by the index, for nothing is known of their number
      SELECT ended_at, (kind, dvr, stream, protocol, player, country, close_reason, tags) IS NOT DISTINCT FROM
        (w.kind, w.dvr, w.stream, w.protocol, w.player, w.country, w.close_reason, w.tags) AS is_same
      FROM stream_sessions.visits WHERE opened_at = w.opened_at AND id = w.id LIMIT 1
    ) AS b ON w.closed_at IS NULL
    WHERE w.kind = 'viewer' OR b.is_same IS NOT TRUE
  ) AS each GROUP BY date_trunc('hour', first, 'UTC'), date_trunc('hour', last, 'UTC')
) AS spans, generate_series(first, last, interval '1 minute') AS m
`;

/** Run before inserting rows of a month that has no partition yet. */
export const ensureMonths = `
SELECT stream_sessions.ensure_month(parent, to_timestamp(at / 1000)) FROM unnest($1::text[], $2::float8[]) AS t (parent, at)
`;
