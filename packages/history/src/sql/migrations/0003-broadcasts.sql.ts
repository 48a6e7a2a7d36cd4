/** What is kept about broadcasts for good: the number of different viewers cannot be determined once the visits are gone. */
export const broadcasts = `
CREATE TABLE stream_sessions.broadcasts (
  id text NOT NULL,
  opened_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  stream text NOT NULL,
  viewers bigint NOT NULL,
  PRIMARY KEY (id, opened_at)
);

CREATE FUNCTION stream_sessions.drop_months(parent text, before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  name text;
  dropped integer := 0;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = format('stream_sessions.%I', parent)::regclass
      AND c.relname < parent || '_' || to_char(before AT TIME ZONE 'UTC', 'YYYY_MM')
  LOOP
    EXECUTE format('DROP TABLE stream_sessions.%I', name);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
`;
