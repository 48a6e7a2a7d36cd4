/** What one process tells the others that share its sources. */
export interface SourceShare {
  /** The streams that somebody watches, or waits for, here. */
  readonly watched: readonly string[];
  /** The streams whose sources run, by the process that decides; of all others none. */
  readonly running: readonly string[];
}

/** Which one of several processes decides about sources. Each `createSources()` has its own. */
export interface SourceLease {
  /**
   * Takes it if it is free, and keeps it if it is held. Called once a `checkIntervalMs`, never again before it has answered.
   * One that rejects is not held.
   */
  acquire(): Promise<boolean>;
  /** Whether it is held now. It says no before anybody else may hold it, whether or not it was asked in time. */
  held(): boolean;
  /** Gives it back, if it is held, and takes back what was shared. */
  release(): Promise<void>;
  /**
   * Tells the others that live what is watched and runs here, and resolves with what they have told. Called after each `acquire`.
   * Absent: the process that decides knows nothing of the viewers of the others.
   */
  share?(ours: SourceShare): Promise<readonly SourceShare[]>;
}
