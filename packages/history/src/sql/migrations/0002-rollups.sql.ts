const columns = `
  at timestamptz NOT NULL,
  stream text NOT NULL,
  by text NOT NULL,
  key text NOT NULL,
  views bigint NOT NULL,
  peak bigint NOT NULL,
  peak_at timestamptz,
  watch_ms bigint NOT NULL,
  bytes double precision NOT NULL,
  PRIMARY KEY (stream, by, key, at)`;

/** Figures by minute, hour and day, and the minutes that have to be recounted. */
export const rollups = `
CREATE TABLE stream_sessions.minutes (${columns}) PARTITION BY RANGE (at);
CREATE INDEX minutes_at ON stream_sessions.minutes (at);
CREATE TABLE stream_sessions.hours (${columns});
CREATE INDEX hours_at ON stream_sessions.hours (at);
CREATE TABLE stream_sessions.days (${columns});
CREATE INDEX days_at ON stream_sessions.days (at);

-- Only ever appended to and taken from, so that no writer waits for another one.
CREATE TABLE stream_sessions.touched (minute timestamptz NOT NULL);
CREATE INDEX touched_minute ON stream_sessions.touched (minute);

CREATE TABLE stream_sessions.day_viewers (
  at timestamptz NOT NULL,
  stream text NOT NULL,
  viewer bigint NOT NULL,
  PRIMARY KEY (at, stream, viewer)
) PARTITION BY RANGE (at);
CREATE TABLE stream_sessions.day_uniques (
  at timestamptz NOT NULL,
  stream text NOT NULL,
  viewers bigint NOT NULL,
  PRIMARY KEY (stream, at)
);

-- Minutes before this are what they are: their visits are gone.
CREATE TABLE stream_sessions.frozen (before timestamptz NOT NULL);
INSERT INTO stream_sessions.frozen VALUES ('-infinity');

INSERT INTO stream_sessions.touched
SELECT DISTINCT m FROM stream_sessions.visits v,
  generate_series(date_trunc('minute', v.opened_at, 'UTC'), v.ended_at - interval '1 microsecond', interval '1 minute') m
WHERE v.kind = 'viewer';
`;
