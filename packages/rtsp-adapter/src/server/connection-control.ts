import type { CloseReason } from '@stream-sessions/core';
import type { Peer } from './peer.js';

/** What a session can do to its connection. */
export interface ConnectionControl extends Peer {
  /** Cuts it at once. */
  cut(reason: CloseReason): void;
}
