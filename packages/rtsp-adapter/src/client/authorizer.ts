import type { CloseReason } from '@stream-sessions/core';
import type { ByteCounters } from '@stream-sessions/core/spi';
import type { RtspClient } from './rtsp-client.js';

/** The words of RTSP for a no. */
export type RefusalStatus = 401 | 403 | 453 | 500 | 503;

export type Answer =
  { readonly admitted: true } | { readonly admitted: false; readonly status: RefusalStatus; readonly text: string };

export const ADMITTED: Answer = { admitted: true };

/** The means to count and to cut a client. What it says of itself is as long as it likes, and is not kept with it. */
export interface Client {
  /** Counters of its media, from the first PLAY or RECORD on. One for each who asks. */
  counters(): ByteCounters;
  /** Cuts its connection and its media, now. */
  destroy(reason: CloseReason): void;
}

/** One request to play or to publish, from then on until the client has gone. */
export interface Authorization {
  readonly answer: Answer | Promise<Answer>;
  /** The client has gone, or does not want to any more; also while the answer is awaited. Harmless twice. */
  close(reason?: CloseReason): void;
}

/** Who decides who plays and publishes, and hears when they end. */
export interface Authorizer {
  authorize(client: Client, asked: RtspClient): Authorization;
}
