/** A session as a storage keeps it: one text under an id. */
export interface StoredSession {
  readonly text: string;
  /**
   * Room for the manager to remember what it read from the text. A storage in memory that returns the same object until
   * the text changes spares the manager reading it again; others leave it alone.
   */
  decoded?: unknown;
}

/** How `update` went: `changed` means that another text is stored than was expected; nothing was written. */
export type UpdateResult = 'updated' | 'absent' | 'changed';

/** How `update` is meant. */
export interface UpdateOptions {
  /** Write only if this very text is stored. Default: whatever is stored. */
  readonly expected?: string;
  /** Milliseconds from now until the session expires. */
  readonly ttlMs: number;
}

/**
 * Where sessions are kept: texts by id, each with an end. A text is JSON that the storage does not change; an id is a
 * UUID in lower case. An expired session counts as absent at once, whether it was swept or not. A storage that cannot
 * answer rejects with an error, and never says "absent" instead. `storageContract` of `@stream-sessions/session-store/testing`
 * has these rules as a suite.
 */
export interface Storage {
  /** The TTL that this storage was made for; the manager takes it over. Absent: whatever the manager has. */
  readonly ttlMs?: number | undefined;
  /**
   * Stores a session if there is none of this id, in one step: of many at once exactly one is told `true`. Does not refresh
   * one that is there. The text has a `nonce` of its own, by which a command that was sent twice is recognised.
   */
  create(id: string, text: string, ttlMs: number): Promise<boolean>;
  /** Stores another text if there is a session, in one step. Sets its end anew. */
  update(id: string, text: string, options: UpdateOptions): Promise<UpdateResult>;
  /** The session, if there is one; it now expires in so many milliseconds. */
  load(id: string, ttlMs: number): Promise<StoredSession | undefined>;
  /** The session, if there is one, without refreshing it. */
  peek(id: string): Promise<StoredSession | undefined>;
  /** Takes a session away. False if there was none. */
  delete(id: string): Promise<boolean>;
  /** Tidies up what has expired, without holding up the process. Returns how many. */
  deleteExpired(): Promise<number>;
  /** How many there are. */
  count(): Promise<number>;
  /** Calls `visit` for each session in turn, without refreshing it, until that returns or resolves to false. */
  range(visit: (id: string, stored: StoredSession) => unknown): Promise<void>;
  /** Lets go of everything. Harmless twice; all else rejects afterwards. */
  close(): Promise<void>;
}
