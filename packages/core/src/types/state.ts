/** What is stored under a key from now on, as JSON. Undefined: the key is deleted. */
export type StateChange = readonly [key: string, value: unknown];

/**
 * One package's records in a tracker's state store, beside the tracker's own: what it additionally knows about viewers and has to
 * outlive the process with them.
 */
export interface StateRecords {
  /**
   * What an earlier process left, by id. Taking it transfers ownership: a second call returns nothing. Resolves when the tracker
   * is ready. What nobody has taken after `resumeWithinMs` is deleted.
   */
  take(): Promise<ReadonlyMap<string, unknown>>;
  /** Stores this value under an id from now on: JSON, written in its current form within about 50 ms. Undefined: deletes it. */
  set(id: string, value: unknown): void;
  /** Stands for a secret that has to be recognised but must not be stored: the same in the next process. 16 characters. */
  hash(secret: string): string;
}

/**
 * Stores what has to outlive the process: who is watching, and who is kept out. The only secret it is given is its own
 * `fingerprintKey`: tokens and player names are hashed with that. One process at a time; `fileState` is one such store.
 */
export interface StateStore {
  /**
   * The tracker's `fingerprintKey`, unless that is given as an option: random, created once, and kept as long as everything else.
   * Without it, the option must be set.
   */
  readonly fingerprintKey?: string | undefined;
  /** A problem with the stored data that does not keep the store from working: the tracker logs it. Read after each call. */
  readonly warning?: string | undefined;
  /**
   * What is stored, in portions of at most a few thousand keys: no key twice, and none without a value. Called once, before
   * anything else. A store that fails here is not written to.
   */
  load(): AsyncIterable<readonly StateChange[]>;
  /**
   * Resolves when a crash of the machine can no longer undo the changes. No key is in `changes` twice. Called again only when the
   * last call has finished; changes that were rejected are passed again, with those made since.
   */
  save(changes: readonly StateChange[]): Promise<void>;
  /** The tracker has stopped: no more calls follow. */
  close(): Promise<void>;
}
