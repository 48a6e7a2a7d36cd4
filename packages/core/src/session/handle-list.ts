import type { CloseReason } from '../types/play-session.js';

/** An open request or connection, as its session sees it: a node of a doubly linked list, so that opening one allocates nothing more. */
export interface HandleNode {
  nextHandle: HandleNode | undefined;
  previousHandle: HandleNode | undefined;
  /** Epoch milliseconds. */
  touchedAt: number;
  readonly isConnection: boolean;
  /** Its adapter hears of limits, and so holds it to them itself. */
  readonly keepsLimits: boolean;
  /** Severs the transport now. Returns bytes that were not reported yet. */
  cut(reason: CloseReason): number;
  /** The session's limits are others now. */
  limitsChanged(): void;
  /** Leaves the list. Nothing that it is told afterwards counts. Returns 0: it asks for no more bytes. */
  detach(): number;
}
