/**
 * Upserts the rows of `fresh` into a table of figures, and deletes the rows of each `span` that are no longer among them, if
 * `mine` is true for them. Unchanged rows are not written.
 */
export const save = (table: string, mine: string): string => `
, gone AS (
  DELETE FROM stream_sessions.${table} m USING span
  WHERE m.at >= span.at AND m.at < span.till AND ${mine} AND NOT EXISTS (
    SELECT 1 FROM fresh f WHERE f.at = m.at AND f.stream = m.stream AND f.by = m.by AND f.key = m.key)
)
INSERT INTO stream_sessions.${table} AS m (at, stream, by, key, views, peak, peak_at, watch_ms, bytes)
SELECT at, stream, by, key, views, peak, peak_at, watch_ms, bytes FROM fresh
ON CONFLICT (stream, by, key, at) DO UPDATE SET
  views = excluded.views, peak = excluded.peak, peak_at = excluded.peak_at, watch_ms = excluded.watch_ms,
  bytes = excluded.bytes
WHERE (m.views, m.peak, m.peak_at, m.watch_ms, m.bytes)
  IS DISTINCT FROM (excluded.views, excluded.peak, excluded.peak_at, excluded.watch_ms, excluded.bytes)
`;
