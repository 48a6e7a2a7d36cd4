import { StreamSessionsError } from '@stream-sessions/core';
import type { SqlEngine, SqlQuery } from '../types/engine.js';

/** The part of a client of the npm package `pg` that is used here. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  release(error?: Error | boolean): void;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
}

/** The part of a `Pool` of the npm package `pg` that is used here. */
export interface PgPool {
  connect(): Promise<PgClient>;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
  end?(): Promise<void>;
}

/** Time limits for one statement, and for connecting. Milliseconds. */
const STATEMENT_MS = 60_000;
const CONNECT_MS = 10_000;
const CONNECTIONS = 4;

/**
 * PostgreSQL 14 or newer, through the npm package `pg`. A pool is yours to end; of a URL the engine makes its own.
 *
 * @throws StreamSessionsError ERR_HISTORY_CLIENT_MISSING if there is a URL and no package `pg`
 */
export async function postgresEngine(from: { readonly url: string } | { readonly pool: PgPool }): Promise<SqlEngine> {
  return 'pool' in from ? new PostgresEngine(from.pool, false) : new PostgresEngine(await poolOf(from.url), true);
}

class PostgresEngine implements SqlEngine {
  readonly name = 'postgres';

  constructor(
    private readonly pool: PgPool,
    private readonly isOwn: boolean,
  ) {
    // A pool that loses an idle connection says so, and whoever does not listen is ended by it.
    pool.on?.('error', ignore);
  }

  readonly query: SqlQuery = <Row>(text: string, values?: readonly unknown[]) =>
    this.withClient((client) => ask<Row>(client, text, values));

  transaction<T>(work: (query: SqlQuery) => Promise<T>): Promise<T> {
    return this.withClient(async (client) => {
      await client.query('BEGIN');
      const result = await work((text, values) => ask(client, text, values));
      await client.query('COMMIT');
      return result;
    });
  }

  async close(): Promise<void> {
    if (this.isOwn) await this.pool.end?.();
    this.pool.off?.('error', ignore);
  }

  /** A client on which something failed is not used again: nobody knows in which state it is. */
  private async withClient<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    // a client that loses its connection between two statements reports it only here
    client.on?.('error', ignore);
    try {
      const result = await work(client);
      client.off?.('error', ignore);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}

const ignore = (): void => undefined;

async function ask<Row>(client: PgClient, text: string, values?: readonly unknown[]): Promise<Row[]> {
  const { rows } = values === undefined ? await client.query(text) : await client.query(text, [...values]);
  return rows as Row[];
}

async function poolOf(url: string): Promise<PgPool> {
  let pg;
  try {
    pg = await import('pg');
  } catch (cause) {
    throw new StreamSessionsError(
      'ERR_HISTORY_CLIENT_MISSING',
      'PostgreSQL needs the npm package pg, which is not installed: npm install pg',
      { cause },
    );
  }
  const Pool = pg.Pool ?? pg.default.Pool;
  return new Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS,
    keepAlive: true,
    application_name: 'stream-sessions',
  });
}
