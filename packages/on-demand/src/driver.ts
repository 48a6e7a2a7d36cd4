/** One stream that a driver is to start or stop. */
export interface SourceTarget {
  /** The stream code. */
  readonly stream: string;
  /** What the pattern captured, and `stream`: each value is 1 to 64 letters, digits, `_` and `-`, but `stream` may be longer. */
  readonly values: Readonly<Record<string, string>>;
}

/** What a driver may use while it starts a source, and must report afterwards. */
export interface SourceRun {
  /** Aborted when the start takes too long or is no longer wanted: anything begun is then stopped by `stop`. */
  readonly signal: AbortSignal;
  /** Reports that the source ended without being told to, and why. Calling it again, or after `stop`, has no effect. */
  ended(why: string): void;
}

/** `unknown`: it cannot be determined at the moment; everything is then left as it is. */
export type DriverState = 'running' | 'stopped' | 'unknown';

/**
 * Starts and stops sources somewhere: as processes, by HTTP, in Kubernetes. For one stream, `start` and `stop` alternate; `stop`
 * may be called before `start` has resolved, if its signal has been aborted.
 */
export interface SourceDriver {
  /** For messages to people. */
  readonly name: string;
  /** The names in braces that its templates use: a pattern that does not capture them is rejected immediately. */
  readonly placeholders?: readonly string[];
  /** Resolves when the source is running. Rejects with the reason if it does not start. Not an error if it is already running. */
  start(target: SourceTarget, run: SourceRun): Promise<void> | void;
  /** Resolves when the source is no longer running. Not an error if it is not running. */
  stop(target: SourceTarget): Promise<void> | void;
  /**
   * The current state. Called once per `pollIntervalMs`: a source that somebody else stopped is started again while it is wanted.
   * Absent: the driver reports only through `ended`.
   */
  state?(target: SourceTarget): Promise<DriverState> | DriverState;
  /**
   * The placeholder values of all running sources. Called once at the start, so that sources left running by an earlier process
   * are managed again. Absent: only streams of patterns without placeholders are, through `state`.
   */
  list?(): Promise<readonly Readonly<Record<string, string>>[]>;
  /**
   * The sources are being closed, or another process decides from now on: ends what must not outlast them. A driver that hands
   * its sources over leaves them running. With a lease, `start` may follow.
   */
  close?(): Promise<void> | void;
}
