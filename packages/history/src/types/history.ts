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

/** What was done to forget somebody. */
export interface Erased {
  /** Visits that are visits of nobody now. */
  readonly visits: number;
  /** Refusals that were deleted. */
  readonly denials: number;
  /** Visits that were left, for they are live: erase them when they have closed. */
  readonly live: number;
}

/** How well the database keeps up. */
export interface HistoryStats {
  /** Bytes that wait in the journal. */
  readonly journalBytes: number;
  /** Events for which the journal had no room, since the process began. */
  readonly lost: number;
  /** Rows that the database would not take, since the process began. */
  readonly refused: number;
  /** Why nothing can be written now; undefined: it can. */
  readonly error: Error | undefined;
}

/** Visits that are kept, and what can be asked about them. */
export interface History {
  /**
   * Keeps what happens in a tracker, or in what speaks for several. Nothing there waits for the database.
   *
   * @returns ends it
   */
  attach(directory: SessionDirectory): () => void;
  /**
   * A page of visits, the latest first.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_CURSOR
   */
  visits(filter?: VisitFilter): Promise<VisitPage>;
  /** The visit with this id that opened then; without `openedAt`, the latest with this id. */
  visit(id: string, openedAt?: number): Promise<Visit | undefined>;
  /** All visits that match, the latest first, read page by page. */
  exportVisits(filter?: VisitFilter): AsyncGenerator<Visit>;
  /** @throws StreamSessionsError ERR_BAD_OPTION */
  summary(query: SummaryQuery): Promise<Summary>;
  /** @throws StreamSessionsError ERR_BAD_OPTION */
  concurrency(query: ConcurrencyQuery): Promise<readonly ConcurrencyPoint[]>;
  /** @throws StreamSessionsError ERR_BAD_OPTION */
  topStreams(query: TopStreamsQuery): Promise<readonly StreamFigures[]>;
  /** What one publisher's visit was to its stream. Undefined: there is no such visit. */
  broadcast(id: string, openedAt?: number): Promise<Broadcast | undefined>;
  /**
   * All visits of a user, by the name that the list shows.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  export(who: { readonly user: string }): AsyncGenerator<Visit>;
  /**
   * Takes out of the visits of a user who it was. No figure changes by that.
   *
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  erase(who: { readonly user: string }): Promise<Erased>;
  /** Closes what nobody will close any more, drops what was kept long enough. Done by itself once an hour. */
  tidy(): Promise<void>;
  stats(): HistoryStats;
  /** Resolves when all that has happened until now is in the database and counted. */
  flushed(): Promise<void>;
  /**
   * Ends it. What the database does not take within `timeoutMs` (default 10 seconds) is in the journal, for the next process.
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>;
}
