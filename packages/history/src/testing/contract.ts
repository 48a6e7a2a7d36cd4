import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openHistory } from '../open-history.js';
import type { HistoryOptions } from '../options.js';
import type { SqlEngine } from '../types/engine.js';
import type { History } from '../types/history.js';
import { CASES } from './cases.js';
import { madeUpDirectory, setClock } from './stage.js';
import type { World } from './world.js';

/** What a database provides to run `historyContract`. */
export interface HistoryHarness {
  /** Names the suite. */
  name: string;
  /** Opens the database. Its content is removed before each case. */
  start(): SqlEngine | Promise<SqlEngine>;
  /** Stops everything that was started. */
  stop?(): unknown;
}

interface Runner {
  describe: (name: string, body: () => void) => unknown;
  it: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;
  beforeAll: (body: () => Promise<void>, timeoutMs: number) => unknown;
  afterAll: (body: () => Promise<void>, timeoutMs: number) => unknown;
}

const TIMEOUT_MS = 60_000;

/**
 * What history expects of a database, as a suite for any test runner that has `describe`, `it`, `beforeAll` and `afterAll` as
 * globals (Jest, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * historyContract({ name: 'my database', start: () => myEngine() });
 * ```
 *
 * @throws Error if there is no test runner.
 */
export function historyContract(harness: HistoryHarness): void {
  const { describe, it, beforeAll, afterAll } = globalThis as Partial<Runner>;
  if (describe === undefined || it === undefined || beforeAll === undefined || afterAll === undefined) {
    throw new Error('historyContract() needs the global describe() and it() of a test runner, such as Jest.');
  }
  describe(`${harness.name} keeps the contract of history:`, () => {
    let engine: SqlEngine;
    beforeAll(async () => {
      engine = await harness.start();
    }, TIMEOUT_MS);
    afterAll(async () => {
      await engine.close();
      await harness.stop?.();
    }, TIMEOUT_MS);
    for (const [name, run] of Object.entries(CASES)) it(name, () => inWorld(engine, run), TIMEOUT_MS);
  });
}

/** A separate world for one case, with an empty database. */
export async function inWorld(engine: SqlEngine, run: (world: World) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-history-'));
  const opened: History[] = [];
  // it outlives the histories that are opened on it
  const shared: SqlEngine = { ...engine, close: async () => undefined };
  Object.assign(shared, { transaction: engine.transaction.bind(engine), query: engine.query });
  await engine.query('DROP SCHEMA IF EXISTS stream_sessions CASCADE');
  const clock = setClock();
  const another = async (options: HistoryOptions = {}) => {
    const journal = path.join(folder, `journal-${opened.length}`);
    const history = await openHistory({ engine: shared, journal, clock, ...options });
    opened.push(history);
    const directory = madeUpDirectory();
    history.attach(directory);
    return { history, directory };
  };
  try {
    await run({ engine, clock, another, ...(await another()) });
  } finally {
    for (const history of opened) await history.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
