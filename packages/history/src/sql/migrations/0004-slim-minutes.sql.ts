/**
 * Minutes cover all viewers, and those who watch another time than live; by protocol, country, player and reason there are only
 * hours and days, which are counted less often. Few visits are longer than an hour: only these need an index by their end.
 */
export const slimMinutes = `
CREATE TABLE stream_sessions.touched_hours (
  hour timestamptz PRIMARY KEY,
  first timestamptz NOT NULL,
  last timestamptz NOT NULL
);

DELETE FROM stream_sessions.minutes WHERE by NOT IN ('', 'dvr') OR key = 'live';
DELETE FROM stream_sessions.hours WHERE key = 'live' AND by = 'dvr';
DELETE FROM stream_sessions.days WHERE key = 'live' AND by = 'dvr';

-- one entry for a viewer of several streams: who is new to a stream may be known from another one
DELETE FROM stream_sessions.day_viewers WHERE stream = '';
ALTER TABLE stream_sessions.day_viewers DROP CONSTRAINT day_viewers_pkey;
ALTER TABLE stream_sessions.day_viewers ADD PRIMARY KEY (at, viewer, stream);

DROP INDEX stream_sessions.visits_ended_at;
CREATE INDEX visits_long ON stream_sessions.visits (ended_at) WHERE ended_at - opened_at > interval '1 hour';
`;
