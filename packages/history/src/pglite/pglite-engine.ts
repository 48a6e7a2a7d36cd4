import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { StreamSessionsError } from '@stream-sessions/core';
import { lockFile } from '@stream-sessions/core/spi';
import { inUse } from '../in-use.js';
import type { SqlEngine, SqlQuery } from '../types/engine.js';
import { type Answer, type Ask, work } from './worker.js';

/**
 * PGlite, which is PostgreSQL in this process, with its files in a folder: in a worker thread, and one process at a time.
 *
 * @param dataDir The folder, which is created if it does not exist
 * @throws StreamSessionsError ERR_HISTORY_IN_USE if another process uses the folder, or this one opens it twice;
 *   ERR_HISTORY_CLIENT_MISSING if there is no package `@electric-sql/pglite`
 */
export async function pgliteEngine(dataDir: string): Promise<SqlEngine> {
  const folder = path.resolve(dataDir);
  const module = pathOfPglite();
  mkdirSync(path.dirname(folder), { recursive: true });
  const unlock = lockFile(folder, (pid) => inUse(folder, pid));
  const engine = new PgliteEngine(
    new Worker(`(${work.toString()})()`, { eval: true, workerData: { path: module, dataDir: folder } }),
    unlock,
  );
  await engine.ready;
  return engine;
}

function pathOfPglite(): string {
  try {
    return createRequire(__filename).resolve('@electric-sql/pglite');
  } catch (cause) {
    throw new StreamSessionsError(
      'ERR_HISTORY_CLIENT_MISSING',
      'A history in a folder needs the npm package @electric-sql/pglite, which is not installed: npm install @electric-sql/pglite',
      { cause },
    );
  }
}

interface Waiting {
  readonly resolve: (rows: unknown[]) => void;
  readonly reject: (error: Error) => void;
}

class PgliteEngine implements SqlEngine {
  readonly name = 'pglite';
  readonly ready: Promise<unknown>;
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  /** There is only one connection, and a transaction has it to itself. */
  private turn: Promise<unknown> = Promise.resolve();
  private over: Error | undefined = undefined;

  constructor(
    private readonly worker: Worker,
    private readonly unlock: () => void,
  ) {
    // A history does not keep the process running.
    worker.unref();
    worker.on('message', (answer: Answer) => this.answered(answer));
    worker.on('error', (error) => this.end(error));
    worker.on('exit', () => this.end(new Error('The database has ended.')));
    this.ready = new Promise((resolve, reject) => this.waiting.set(0, { resolve, reject }));
  }

  readonly query: SqlQuery = <Row>(text: string, values?: readonly unknown[]) =>
    this.alone(() => this.ask(text, values) as Promise<Row[]>);

  transaction<T>(work: (query: SqlQuery) => Promise<T>): Promise<T> {
    return this.alone(async () => {
      await this.ask('BEGIN');
      try {
        const result = await work((text, values) => this.ask(text, values) as Promise<never>);
        await this.ask('COMMIT');
        return result;
      } catch (error) {
        await this.ask('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.alone(() => this.send({ text: '', isEnd: true })).catch(() => undefined);
    await this.worker.terminate();
    this.unlock();
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private ask(text: string, values?: readonly unknown[]): Promise<unknown[]> {
    return this.send(values === undefined ? { text } : { text, values });
  }

  private send(ask: Omit<Ask, 'n'>): Promise<unknown[]> {
    if (this.over !== undefined) return Promise.reject(this.over);
    const n = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(n, { resolve, reject });
      // keeps the process running while somebody waits
      this.worker.ref();
      this.worker.postMessage({ ...ask, n });
    });
  }

  private answered(answer: Answer): void {
    const asker = this.waiting.get(answer.n);
    this.waiting.delete(answer.n);
    if (this.waiting.size === 0) this.worker.unref();
    if ('rows' in answer) asker?.resolve(answer.rows);
    else asker?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
  }

  private end(error: Error): void {
    this.over ??= error;
    for (const { reject } of this.waiting.values()) reject(this.over);
    this.waiting.clear();
    this.unlock();
  }
}
