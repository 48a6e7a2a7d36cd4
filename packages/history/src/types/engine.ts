/** Runs one statement with parameters; without parameters, also several statements. */
export type SqlQuery = <Row = unknown>(text: string, values?: readonly unknown[]) => Promise<Row[]>;

/** What history requires of a database. The SQL is that of PostgreSQL 14; values are passed as parameters, never in the text. */
export interface SqlEngine {
  /** `postgres` or `pglite`. */
  readonly name: string;
  readonly query: SqlQuery;
  /** All or nothing: rolls back if `work` rejects. */
  transaction<T>(work: (query: SqlQuery) => Promise<T>): Promise<T>;
  /** Closes what the engine itself has opened. */
  close(): Promise<void>;
}
