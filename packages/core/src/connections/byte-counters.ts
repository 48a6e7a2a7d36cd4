/** A transport's own counters of one connection, read by the sampler. Reading must be cheap and must not throw. */
export interface ByteCounters {
  /** Bytes the client's side has taken since play began: what still waits in this process is not among them. */
  sent(): number;
  /** Bytes the client has sent since play began. Leave it out where they do not matter. */
  received?(): number;
  /** Bytes that wait because the client does not take them; 0 when there is nothing for it. Left out: never stalls. */
  waiting?(): number;
  /**
   * Asked after each reading: whether the client is taken for gone, for its transport has not heard of it for too long. It is
   * cut then, and closes as `client_gone`. Left out: silence means nothing.
   */
  isGone?(now: number): boolean;
  /** The connection is no longer sampled: let go of whatever was attached to it. */
  release?(): void;
}
