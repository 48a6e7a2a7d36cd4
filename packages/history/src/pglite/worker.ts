/* eslint-disable @typescript-eslint/no-require-imports -- a worker that is made of text has no other way to load something */

import type * as threads from 'node:worker_threads';
import type * as pglite from '@electric-sql/pglite';

/** A request from the engine to the worker. */
export interface Ask {
  readonly n: number;
  readonly text: string;
  /** Absent: several statements. */
  readonly values?: readonly unknown[];
  /** Closes the database, instead of running a statement. */
  readonly isEnd?: true;
}

/** The data that the worker gets at its start. */
export interface WorkerData {
  /** Path of the PGlite module. */
  readonly path: string;
  readonly dataDir: string;
}

/** The worker's reply. */
export type Answer =
  | { readonly n: number; readonly rows: unknown[] }
  | { readonly n: number; readonly message: string; readonly code: string | undefined };

/**
 * Runs PGlite in a worker thread: on the main thread, it would block everything for up to 300 ms. The *text* of this function
 * runs there, so that neither sources nor builds need a separate file for it: it must not use anything from outside.
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
