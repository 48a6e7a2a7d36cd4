import type { SessionDirectory } from '@stream-sessions/core';
import type {
  Broadcast,
  ConcurrencyPoint,
  ConcurrencyQuery,
  StreamFigures,
  Summary,
  SummaryQuery,
  TopStreamsQuery,
  Visit,
  VisitFilter,
  VisitPage,
} from './query.js';

/** The result of erasing a user. */
export interface Erased {
  /** Visits that are now anonymous. */
  readonly visits: number;
  /** Refusals that were deleted. */
  readonly denials: number;
  /** Visits that were left because they are live: erase them once they have closed. */
  readonly live: number;
}

/** How well the database keeps up. */
export interface HistoryStats {
  /** Bytes waiting in the journal. */
  readonly journalBytes: number;
  /** Events for which the journal had no room since the process began. */
  readonly lost: number;
  /** Rows that the database rejected since the process began. */
  readonly refused: number;
  /** Why nothing can be written now; undefined: it can. */
  readonly error: Error | undefined;
}

/** The recorded visits, and queries about them. */
export interface History {
  /**
   * Records what happens in a tracker, or in a directory of several. Nothing there waits for the database.
   *
   * @returns a function that ends this
   */
  attach(directory: SessionDirectory): () => void;
  /**
   * A page of visits, latest first.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_CURSOR
   */
  visits(filter?: VisitFilter): Promise<VisitPage>;
  /** The visit with this id and opening time; without `openedAt`, the latest one with this id. */
  visit(id: string, openedAt?: number): Promise<Visit | undefined>;
  /** All visits that match, latest first, read page by page. */
  exportVisits(filter?: VisitFilter): AsyncGenerator<Visit>;
  /** @throws StreamSessionsError ERR_BAD_OPTION */
  summary(query: SummaryQuery): Promise<Summary>;
  /** @throws StreamSessionsError ERR_BAD_OPTION */
  concurrency(query: ConcurrencyQuery): Promise<readonly ConcurrencyPoint[]>;
  /** @throws StreamSessionsError ERR_BAD_OPTION */
  topStreams(query: TopStreamsQuery): Promise<readonly StreamFigures[]>;
  /** The visit of a publisher, with the figures of its stream during that time. Undefined: there is no such visit. */
  broadcast(id: string, openedAt?: number): Promise<Broadcast | undefined>;
  /**
   * All visits of a user, identified by the name that the list shows.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  export(who: { readonly user: string }): AsyncGenerator<Visit>;
  /**
   * Removes the user's identity from that user's visits. No figure changes.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  erase(who: { readonly user: string }): Promise<Erased>;
  /** Closes lost visits, and drops what is beyond its retention. Runs automatically once an hour. */
  tidy(): Promise<void>;
  stats(): HistoryStats;
  /** Resolves when everything that has happened so far is in the database and counted. */
  flushed(): Promise<void>;
  /**
   * Stops recording. What the database does not take within `timeoutMs` (default 10 seconds) stays in the journal for the next
   * process.
   */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
}
