import { randomUUID } from 'node:crypto';
import { StreamSessionsError } from '@stream-sessions/core';
import { KeptHistory } from './kept-history.js';
import { migrate } from './migrate.js';
import { type CheckedOptions, checked, type HistoryOptions } from './options.js';
import { pgliteEngine } from './pglite/pglite-engine.js';
import { postgresEngine } from './postgres/postgres-engine.js';
import { keyIn } from './privacy/key.js';
import { Privacy } from './privacy/privacy.js';
import type { SqlEngine } from './types/engine.js';
import type { History } from './types/history.js';
import { Journal } from './write/journal.js';

/**
 * Opens the history that is stored in a database, and creates or updates its tables. It does not fail if the database is
 * unreachable: events wait in the journal until it is back.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION; ERR_HISTORY_IN_USE if another process uses the folder of the database or of the
 *   journal; ERR_HISTORY_VERSION if a newer version of this package made the tables; ERR_HISTORY_CLIENT_MISSING
 * @throws Error of the file system, if the journal cannot be created or read
 * @example const history = await openHistory({ url: 'postgres://127.0.0.1/streams' }); history.attach(tracker);
 */
export async function openHistory(options: HistoryOptions): Promise<History> {
  const settings = checked(options);
  const journal = Journal.open(settings.journal, settings.maxJournalBytes, settings.logger);
  let engine: SqlEngine | undefined;
  try {
    engine = await engineOf(settings);
    const isReady = await tryToMigrate(engine, settings);
    return new KeptHistory(engine, journal, privaciesOf(settings), settings, randomUUID(), isReady);
  } catch (error) {
    await engine?.close();
    await journal.close();
    throw error;
  }
}

async function engineOf({ engine, pool, url, dataDir }: CheckedOptions): Promise<SqlEngine> {
  if (engine !== undefined) return engine;
  if (pool !== undefined) return postgresEngine({ pool });
  return url === undefined ? pgliteEngine(dataDir as string) : postgresEngine({ url });
}

/** False: the database is unreachable. */
async function tryToMigrate(engine: SqlEngine, { logger }: CheckedOptions): Promise<boolean> {
  try {
    await migrate(engine);
    return true;
  } catch (error) {
    if (error instanceof StreamSessionsError) throw error;
    logger.warn({ err: error }, 'the history database cannot be reached: events wait in the journal');
    return false;
  }
}

/** What is kept about people at first, and later; undefined: the same. */
function privaciesOf({ ipMode, later, key, journal }: CheckedOptions): { now: Privacy; later: Privacy | undefined } {
  const isPlain = ipMode === 'full' && later === undefined;
  const secret = isPlain ? '' : (key ?? keyIn(journal));
  return {
    now: new Privacy(ipMode, secret),
    later: later && new Privacy(later.then, secret),
  };
}
