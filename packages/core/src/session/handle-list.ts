import type { CloseReason } from '../types/play-session.js';

/**
 * An open request or connection as its session sees it: a node of a doubly linked list, so that opening one allocates nothing
 * else.
 */
export interface HandleNode {
  nextHandle: HandleNode | undefined;
  previousHandle: HandleNode | undefined;
  /** Epoch milliseconds. */
  touchedAt: number;
  readonly isConnection: boolean;
  /** Its adapter is told the limits and enforces them itself. */
  readonly keepsLimits: boolean;
  /** Severs the transport at once. Returns the bytes that were not reported yet. */
  cut(reason: CloseReason): number;
  /** The session's limits have changed. */
  limitsChanged(): void;
  /** Leaves the list. Later calls have no effect. Returns 0: it does not ask for remaining bytes. */
  detach(): number;
}
