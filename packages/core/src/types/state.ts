/** What is kept under a key from now on: JSON. Undefined: nothing any more. */
export type StateChange = readonly [key: string, value: unknown];

/**
 * Records of one package in the state store of a tracker, beside the tracker's own: what it knows of viewers beyond that, and
 * has to outlive the process with them.
 */
export interface StateRecords {
  /**
   * What an earlier process has left, by id, and whoever takes it owns it: asked again, there is nothing. Resolves when the
   * tracker is ready. What nobody has taken after `resumeWithinMs` is deleted.
   */
  take(): Promise<ReadonlyMap<string, unknown>>;
  /** Keeps this under an id from now on: JSON, written as it is within 50 ms or so. Undefined: nothing any more. */
  set(id: string, value: unknown): void;
  /** What stands for a secret where it has to be recognised but not kept: the same in the next process. 22 characters. */
  hash(secret: string): string;
}

/**
 * Keeps what has to outlive the process: who is watching, and who is kept out. Nothing that it is given is secret but its
 * own `fingerprintKey`: tokens and names of players are hashed with that. One process at a time; `fileState` is one.
 */
export interface StateStore {
  /**
   * The tracker's `fingerprintKey`, unless it is given one: random, made once, and kept for as long as all else. Without
   * it the option has to be set.
   */
  readonly fingerprintKey?: string | undefined;
  /** Something was wrong with what it has, though it works: the tracker logs it. Looked at after each call. */
  readonly warning?: string | undefined;
  /**
   * What is kept, in portions of at most some thousand keys: no key twice, and none without a value. Asked once, before
   * anything else. A store that fails here is not written to.
   */
  load(): AsyncIterable<readonly StateChange[]>;
  /**
   * Resolves when the changes are where a crash of the machine cannot reach them. No key is in `changes` twice. Called
   * again only when the last call is over; changes that it rejects are given to it again, with those made since.
   */
  save(changes: readonly StateChange[]): Promise<void>;
  /** The tracker has stopped: nothing follows. */
  close(): Promise<void>;
}
