/** One process at a time; the lock ends with the transaction. */
export const lockMigrations = 'SELECT pg_advisory_xact_lock(7377331, 1)';

export const prepare = `
CREATE SCHEMA IF NOT EXISTS stream_sessions;
CREATE TABLE IF NOT EXISTS stream_sessions.migrations (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);
`;

export const currentVersion = 'SELECT coalesce(max(version), 0)::int AS version FROM stream_sessions.migrations';

export const noteVersion = 'INSERT INTO stream_sessions.migrations (version) VALUES ($1::int)';
