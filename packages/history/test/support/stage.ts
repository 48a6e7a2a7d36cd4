import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type History, type HistoryOptions, openHistory, type SqlEngine } from '@stream-sessions/history';
import { postgresEngine } from '@stream-sessions/history/postgres';
import { madeUpDirectory, setClock, START } from '../../src/testing/stage.js';
import { type PostgresServer, startPostgres } from './postgres.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A PostgreSQL for a test file, and histories on it. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'stream-sessions-history-'));
  readonly clock = setClock(START);
  private readonly opened: History[] = [];

  private constructor(
    readonly server: PostgresServer,
    /** Not that of the histories. */
    readonly engine: SqlEngine,
  ) {}

  static async begin(settings: readonly string[] = []): Promise<Stage> {
    // no test takes the power away: what a process has written is there after its death
    const server = await startPostgres(['fsync=off', ...settings]);
    return new Stage(server, await postgresEngine({ url: server.url }));
  }

  async open(options: HistoryOptions = {}) {
    const journal = join(this.folder, `journal-${this.opened.length}`);
    const history = await openHistory({ url: this.server.url, journal, clock: this.clock, logger: quiet, ...options });
    this.opened.push(history);
    const directory = madeUpDirectory();
    history.attach(directory);
    return { history, directory, journal };
  }

  /** Ends the histories, and removes what they wrote; the next test finds a database that runs, however this one ended. */
  async clear(): Promise<void> {
    await this.server.resume();
    for (const history of this.opened.splice(0)) await history.stop({ timeoutMs: 500 });
    await this.engine.transaction(async (query) => {
      await query('SET TRANSACTION READ WRITE');
      await query('ALTER DATABASE postgres RESET default_transaction_read_only');
      await query('DROP SCHEMA IF EXISTS stream_sessions CASCADE');
    });
    this.clock.set(START);
  }

  async end(): Promise<void> {
    await this.engine.close();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
