import type { PlaySession, PolicyAttachment } from '@stream-sessions/core';

/** Somebody who watches on an account. */
export interface Visit {
  readonly session: PlaySession;
  readonly tracker: PolicyAttachment;
  /** Since when it counts, epoch milliseconds. */
  readonly since: number;
  /** Bytes that were billed, or flowed before it counted. */
  bytes: number;
  /** It is looked at when it has so many bytes. */
  limit: number;
  /** How many it had when it was looked at last. */
  bytesSeen: number;
  /** Something was served to it: from then on, all of it counts. */
  isServed: boolean;
}
