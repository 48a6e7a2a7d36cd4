import type { CloseReason } from '@stream-sessions/core';
import type { Peer } from './peer.js';

/** What a conversation can do to the connection it is held on. */
export interface Line extends Peer {
  /** Cuts it, now. */
  cut(reason: CloseReason): void;
}
