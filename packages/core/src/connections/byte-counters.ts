/** A transport's own counters for one connection, read by the sampler. Reading must be cheap and must not throw. */
export interface ByteCounters {
  /** Bytes the client's side has taken since play began, without those still waiting in this process. */
  sent(): number;
  /** Bytes the client has sent since play began. Omit it where they do not matter. */
  received?(): number;
  /**
   * Bytes that wait because the client does not take them; 0 when there is nothing to send. If omitted, the client never stalls.
   */
  waiting?(): number;
  /**
   * Called after each reading: true when the client is presumed gone, because its transport has not heard from it for too long.
   * The connection is then cut and closes as `client_gone`. If omitted, silence means nothing.
   *
   * @param now Whole milliseconds of the monotonic clock
   */
  isGone?(now: number): boolean;
  /** The connection is no longer sampled: release whatever was attached to it. */
  release?(): void;
}
