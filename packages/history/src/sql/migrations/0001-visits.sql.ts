/** Visits and denials, partitioned by month. */
export const visits = `
CREATE TABLE stream_sessions.visits (
  id text NOT NULL,
  opened_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  closed_at timestamptz,
  stream text NOT NULL,
  kind text NOT NULL,
  protocol text NOT NULL,
  protocols text[] NOT NULL,
  ip inet,
  country text,
  user_name text NOT NULL,
  named_by text NOT NULL,
  viewer bigint NOT NULL,
  user_agent text,
  player text NOT NULL,
  referer text,
  bytes bigint NOT NULL,
  bytes_received bigint NOT NULL,
  secure boolean NOT NULL,
  dvr boolean NOT NULL,
  close_reason text,
  close_detail text,
  tags jsonb NOT NULL,
  quality jsonb,
  ip_kept text NOT NULL,
  writer uuid NOT NULL,
  PRIMARY KEY (opened_at, id),
  CHECK (ended_at > opened_at)
) PARTITION BY RANGE (opened_at);
CREATE INDEX visits_ended_at ON stream_sessions.visits (ended_at);
CREATE INDEX visits_stream ON stream_sessions.visits (stream, opened_at);
CREATE INDEX visits_user ON stream_sessions.visits (user_name, opened_at);
CREATE INDEX visits_live ON stream_sessions.visits (writer) WHERE closed_at IS NULL;

CREATE TABLE stream_sessions.denials (
  id text NOT NULL,
  denied_at timestamptz NOT NULL,
  until timestamptz,
  stream text NOT NULL,
  protocol text NOT NULL,
  ip inet,
  user_name text,
  reason text NOT NULL,
  detail text,
  kind text NOT NULL,
  ip_kept text NOT NULL,
  PRIMARY KEY (denied_at, id)
) PARTITION BY RANGE (denied_at);

CREATE TABLE stream_sessions.writers (
  id uuid PRIMARY KEY,
  seen_at timestamptz NOT NULL
);

-- A table is named after its month in UTC, whatever the time zone of the session.
CREATE FUNCTION stream_sessions.ensure_month(parent text, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
  name text := parent || '_' || to_char(first, 'YYYY_MM');
BEGIN
  IF to_regclass(format('stream_sessions.%I', name)) IS NOT NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(7377331, 2);
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS stream_sessions.%I PARTITION OF stream_sessions.%I FOR VALUES FROM (%L) TO (%L)',
    name, parent, first AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
END $$;
`;
