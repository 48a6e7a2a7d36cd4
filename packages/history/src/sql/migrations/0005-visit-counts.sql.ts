/** How many visits opened on each past day, by the fields that lists are filtered by, so that totals need not read all visits. */
export const visitCounts = `
CREATE TABLE stream_sessions.visit_counts (
  day timestamptz NOT NULL,
  stream text NOT NULL,
  kind text NOT NULL,
  protocol text NOT NULL,
  country text,
  close_reason text,
  visits bigint NOT NULL
);
CREATE INDEX visit_counts_day ON stream_sessions.visit_counts (day);

-- days whose visits have changed since they were counted
CREATE TABLE stream_sessions.touched_days (day timestamptz PRIMARY KEY);

INSERT INTO stream_sessions.touched_days SELECT DISTINCT date_trunc('day', opened_at, 'UTC') FROM stream_sessions.visits;
`;
