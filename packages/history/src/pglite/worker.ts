/* eslint-disable @typescript-eslint/no-require-imports -- a worker that is made of text has no other way to load something */

import type * as threads from 'node:worker_threads';
import type * as pglite from '@electric-sql/pglite';

/** What the engine asks of the worker. */
export interface Ask {
  readonly n: number;
  readonly text: string;
  /** Absent: several statements. */
  readonly values?: readonly unknown[];
  /** Ends the database, in place of a statement. */
  readonly isEnd?: true;
}

/** What it is given at its start. */
export interface WorkerData {
  /** Of the module of PGlite. */
  readonly path: string;
  readonly dataDir: string;
}

/** What it answers. */
export type Answer =
  | { readonly n: number; readonly rows: unknown[] }
  | { readonly n: number; readonly message: string; readonly code: string | undefined };

/**
 * Runs PGlite in a worker thread: on the main thread it would hold up everybody for up to 300 ms. Its *text* is what runs
 * there, so that sources and builds alike need no file of their own for it: nothing from outside this function may be used.
 */
export async function work(): Promise<void> {
  const thread = require('node:worker_threads') as typeof threads;
  const { path, dataDir } = thread.workerData as WorkerData;
  const port = thread.parentPort;
  const { PGlite } = require(path) as typeof pglite;
  const db = new PGlite(dataDir);
  await db.waitReady;
  port?.postMessage({ n: 0, rows: [] } satisfies Answer);
  let last: Promise<unknown> = Promise.resolve();
  const run = async ({ text, values, isEnd }: Ask): Promise<unknown[]> => {
    if (isEnd === true) await db.close();
    else if (values === undefined) await db.exec(text);
    else return (await db.query(text, [...values])).rows;
    return [];
  };
  port?.on('message', (ask: Ask) => {
    last = last.then(() =>
      run(ask).then(
        (rows) => port.postMessage({ n: ask.n, rows } satisfies Answer),
        (error: unknown) => {
          const { message, code } = error as { message: string; code?: string };
          port.postMessage({ n: ask.n, message, code } satisfies Answer);
        },
      ),
    );
  });
}
