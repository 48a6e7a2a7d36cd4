import type { CloseReason } from '@stream-sessions/core';
import type { Peer } from './peer.js';

/** What a session can do to the connection that it is on. */
export interface ConnectionControl extends Peer {
  /** Cuts it, now. */
  cut(reason: CloseReason): void;
}
