/** The dimensions by which hourly figures are split. */
export const DIMENSIONS = {
  protocol: 'v.protocol',
  country: "coalesce(v.country, '')",
  player: 'v.player',
  reason: "coalesce(v.close_reason, '')",
} as const;

export const DVR = 'v.dvr';

const time = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`;
const isLong = "v.ended_at - v.opened_at > interval '1 hour'";

/**
 * Viewers' visits between `$1` and `$2` (epoch milliseconds), and the part of each within this period: from `t0` to `t1`, with
 * its bytes per millisecond. A visit in this period that lasted less than an hour opened at most an hour before it, so the
 * primary key finds it; the index of long visits finds the others.
 */
export const present = (columns: Readonly<Record<string, string>>, condition = 'true'): string => {
  const named = Object.entries(columns).map(([name, expression]) => `${expression} AS ${name}`);
  const some = (which: string): string => `
    SELECT v.stream, ${[...named, ''].join(', ')} v.bytes, (date_part('epoch', v.opened_at) * 1000)::bigint AS opened,
      (date_part('epoch', v.ended_at) * 1000)::bigint AS ended
    FROM stream_sessions.visits v
    WHERE v.kind = 'viewer' AND v.ended_at > ${time('$1')} AND v.opened_at < ${time('$2')} AND ${which} AND ${condition}`;
  return `
present AS MATERIALIZED (
  SELECT stream, ${[...Object.keys(columns), ''].join(', ')} opened >= $1::bigint AS is_new, greatest(opened, $1::bigint) AS t0,
    least(ended, $2::bigint) AS t1, bytes::float8 / (ended - opened) AS rate
  FROM (${some(`v.opened_at >= ${time('$1')} - interval '1 hour' AND NOT (${isLong})`)}
    UNION ALL ${some(isLong)}
  ) AS v
)`;
};
