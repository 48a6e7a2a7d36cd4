import { StreamSessionsError } from '@stream-sessions/core';
import { currentVersion, lockMigrations, noteVersion, prepare } from './sql/migrate.sql.js';
import { MIGRATIONS } from './sql/migrations/index.js';
import type { SqlEngine } from './types/engine.js';

/**
 * Migrates the tables to this version, forward only. Safe if they are up to date, and if several processes do it at once.
 *
 * @param upTo For tests: stops after this migration
 * @throws StreamSessionsError ERR_HISTORY_VERSION if a newer version made them, or an error of the database
 */
export async function migrate(engine: SqlEngine, upTo = MIGRATIONS.length): Promise<void> {
  await engine.transaction(async (query) => {
    await query(lockMigrations, []);
    await query(prepare);
    const [row] = await query<{ version: number }>(currentVersion, []);
    const version = row?.version ?? 0;
    if (version > MIGRATIONS.length) {
      throw new StreamSessionsError(
        'ERR_HISTORY_VERSION',
        `The tables of history are of version ${version}, and this package knows ${MIGRATIONS.length}: update the package.`,
      );
    }
    for (let next = version + 1; next <= upTo; next++) {
      await query(MIGRATIONS[next - 1] as string);
      await query(noteVersion, [next]);
    }
  });
}
