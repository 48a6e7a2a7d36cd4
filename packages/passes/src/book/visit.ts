import type { PlaySession, PolicyAttachment } from '@stream-sessions/core';

/** A session that is billed to an account. */
export interface Visit {
  readonly session: PlaySession;
  readonly tracker: PolicyAttachment;
  /** From when it counts, in epoch milliseconds. */
  readonly since: number;
  /** Bytes that were billed, or flowed before it counted. */
  bytes: number;
  /** The number of bytes at which it is looked at. */
  limit: number;
  /** The number of bytes at the last look. */
  bytesSeen: number;
  /** Something was served to it: from then on, everything counts. */
  isServed: boolean;
}
