/** A session in the form in which a storage holds it: one text under an id. */
export interface StoredSession {
  readonly text: string;
  /**
   * Room for the manager to cache what it parsed from the text. An in-memory storage that returns the same object until the text
   * changes saves the manager parsing it again; others ignore it.
   */
  decoded?: unknown;
}

/** The result of `update`: `changed` means that another text than the expected one is stored; nothing was written. */
export type UpdateResult = 'updated' | 'absent' | 'changed';

/** Options of `update`. */
export interface UpdateOptions {
  /** Write only if this very text is stored. Default: whatever is stored. */
  readonly expected?: string | undefined;
  /** Milliseconds from now until the session expires. */
  readonly ttlMs: number;
}

/**
 * Where sessions are stored: texts by id, each with an expiry time. A text is JSON that the storage does not change; an id is a
 * UUID in lower case. An expired session counts as absent at once, whether or not it has been swept. A storage that cannot answer
 * rejects with an error, and never reports "absent" instead. `storageContract` of `@stream-sessions/session-store/testing` has
 * these rules as a suite.
 */
export interface Storage {
  /** The TTL that this storage was configured with, which the manager adopts. Absent: the manager decides. */
  readonly ttlMs?: number | undefined;
  /**
   * Stores a session if there is none with this id, atomically: of several concurrent calls, exactly one gets `true`. Does not
   * refresh an existing one. The text has a `nonce` of its own, by which a command that was sent twice is recognised.
   */
  create(id: string, text: string, ttlMs: number): Promise<boolean>;
  /** Atomically stores another text if there is a session, and sets its expiry time anew. */
  update(id: string, text: string, options: UpdateOptions): Promise<UpdateResult>;
  /** The session, if there is one; it now expires in this many milliseconds. */
  load(id: string, ttlMs: number): Promise<StoredSession | undefined>;
  /** The session, if there is one, without refreshing it. */
  peek(id: string): Promise<StoredSession | undefined>;
  /** Deletes a session. False if there was none. */
  delete(id: string): Promise<boolean>;
  /** Deletes what has expired, without blocking the process. Returns how many. */
  deleteExpired(): Promise<number>;
  /** The number of sessions. */
  count(): Promise<number>;
  /** Calls `visit` for each session in turn, without refreshing it, until that returns or resolves to false. */
  range(visit: (id: string, stored: StoredSession) => unknown): Promise<void>;
  /** Releases everything. Safe to call twice; all other calls reject afterwards. */
  close(): Promise<void>;
}
