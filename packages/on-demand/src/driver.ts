/** One stream that a driver is to start or stop. */
export interface SourceTarget {
  /** The stream code. */
  readonly stream: string;
  /** What the pattern captured, and `stream`: each is 1 to 64 letters, digits, `_` and `-`, but `stream` may be longer. */
  readonly values: Readonly<Record<string, string>>;
}

/** What a driver may know while it starts a source, and has to tell afterwards. */
export interface SourceRun {
  /** Aborted when it has taken too long, or nobody wants it any more: what was begun is stopped by `stop`. */
  readonly signal: AbortSignal;
  /** It ended though nobody asked: say why. Calling it again, or after `stop`, does nothing. */
  ended(why: string): void;
}

/** `unknown`: it cannot be told now; everything is then left as it is. */
export type DriverState = 'running' | 'stopped' | 'unknown';

/**
 * Starts and stops sources somewhere: as processes, by HTTP, in Kubernetes. For one stream `start` and `stop` are called in
 * turn; `stop` may come before `start` has resolved, when its signal has been aborted.
 */
export interface SourceDriver {
  /** For people, in messages. */
  readonly name: string;
  /** The names in braces that its templates use: a pattern that does not capture them is an error at once. */
  readonly placeholders?: readonly string[];
  /** Resolves when the source runs. Rejects with why it does not. One that runs already is no error. */
  start(target: SourceTarget, run: SourceRun): Promise<void> | void;
  /** Resolves when it does not run any more. One that does not run is no error. */
  stop(target: SourceTarget): Promise<void> | void;
  /**
   * What is there now. Asked once a `pollIntervalMs`: what somebody else has stopped is started again while it is wanted.
   * Absent: the driver tells by `ended` alone.
   */
  state?(target: SourceTarget): Promise<DriverState> | DriverState;
  /**
   * What the placeholders of its templates are for all that run. Asked once at the start: what an earlier process has left running is
   * looked after again. Absent: only the streams of patterns without placeholders are, by `state`.
   */
  list?(): Promise<readonly Readonly<Record<string, string>>[]>;
  /**
   * Ours is over, or another process decides from now on: ends what must not outlast it. A driver that leaves its sources to others
   * leaves them running. With a lease, `start` may follow.
   */
  close?(): Promise<void> | void;
}
