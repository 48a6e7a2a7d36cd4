/** Runs one statement with parameters; without parameters, also several statements. */
export type SqlQuery = <Row = unknown>(text: string, values?: readonly unknown[]) => Promise<Row[]>;

/** What history asks of a database. The SQL is that of PostgreSQL 14; values travel as parameters, never in the text. */
export interface SqlEngine {
  /** `postgres` or `pglite`. */
  readonly name: string;
  readonly query: SqlQuery;
  /** All of it or nothing: rolls back when `work` rejects. */
  transaction<T>(work: (query: SqlQuery) => Promise<T>): Promise<T>;
  /** Ends what the engine itself has opened. */
  close(): Promise<void>;
}
