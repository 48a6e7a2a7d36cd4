/** What one process tells the others that share its sources. */
export interface SourceShare {
  /** The streams that somebody is watching, or waiting for, in this process. */
  readonly watched: readonly string[];
  /** The streams whose sources are running, from the process that decides; from all others, none. */
  readonly running: readonly string[];
}

/** Determines which of several processes decides about sources. Each `createSources()` has its own. */
export interface SourceLease {
  /**
   * Takes the lease if it is free, and renews it if it is held. Called once per `checkIntervalMs`, but never before the last call
   * has settled. If it rejects, the lease is not held.
   */
  acquire(): Promise<boolean>;
  /** Whether the lease is held now. Turns false before any other process may hold it, whether or not it was renewed in time. */
  held(): boolean;
  /** Releases the lease, if it is held, and withdraws what was shared. */
  release(): Promise<void>;
  /**
   * Tells the other live processes what is watched and running here, and resolves with what they have told. Called after each
   * `acquire`. Absent: the process that decides knows nothing about the viewers of the others.
   */
  share?(ours: SourceShare): Promise<readonly SourceShare[]>;
}
