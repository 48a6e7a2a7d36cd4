/** The parameters in order, each an array with one column of all rows. */
export const DENIAL_COLUMNS = [
  ['id', 'text'],
  ['deniedAt', 'float8'],
  ['until', 'float8'],
  ['stream', 'text'],
  ['protocol', 'text'],
  ['ip', 'text'],
  ['userName', 'text'],
  ['reason', 'text'],
  ['detail', 'text'],
  ['kind', 'text'],
  ['ipKept', 'text'],
] as const;

const given = DENIAL_COLUMNS.map(([, type], i) => `$${i + 1}::${type}[]`).join(', ');

/** A denial that is written twice is stored once. */
export const upsertDenials = `
INSERT INTO stream_sessions.denials (
  id, denied_at, until, stream, protocol, ip, user_name, reason, detail, kind, ip_kept)
SELECT id, to_timestamp(denied / 1000), to_timestamp(until / 1000), stream, protocol, ip::inet, user_name, reason, detail, kind,
  ip_kept
FROM unnest(${given}) AS t (id, denied, until, stream, protocol, ip, user_name, reason, detail, kind, ip_kept)
ON CONFLICT (denied_at, id) DO NOTHING
`;
