/**
 * The minutes of a stream are far apart in their table: what `concurrency` needs is read from the index alone. Rare visits of a
 * month are found without reading all the others; live ones are few and changing, so they are in none of these indexes. Past days
 * are also counted by tag and by duration.
 */
export const quickLists = `
ALTER TABLE stream_sessions.minutes DROP CONSTRAINT minutes_pkey,
  ADD PRIMARY KEY (stream, by, key, at) INCLUDE (peak, views, watch_ms);

CREATE INDEX visits_words ON stream_sessions.visits USING gin ((ARRAY[kind, protocol, country, close_reason]), tags)
  WHERE closed_at IS NOT NULL;
CREATE INDEX visits_ip ON stream_sessions.visits (ip) WHERE closed_at IS NOT NULL;
CREATE INDEX visits_duration ON stream_sessions.visits ((ended_at - opened_at)) WHERE closed_at IS NOT NULL;

DELETE FROM stream_sessions.visit_counts;
ALTER TABLE stream_sessions.visit_counts ADD COLUMN tag text NOT NULL, ADD COLUMN tag_value text;
CREATE INDEX visit_counts_tag ON stream_sessions.visit_counts (tag, tag_value, day);

CREATE TABLE stream_sessions.duration_counts (
  day timestamptz NOT NULL,
  seconds float8 NOT NULL,
  is_whole boolean NOT NULL,
  visits bigint NOT NULL
);
CREATE INDEX duration_counts_day ON stream_sessions.duration_counts (day);

INSERT INTO stream_sessions.touched_days SELECT DISTINCT date_trunc('day', opened_at, 'UTC') FROM stream_sessions.visits
ON CONFLICT DO NOTHING;
`;
