import type { CloseReason } from '@stream-sessions/core';
import type { ByteCounters } from '@stream-sessions/core/spi';
import type { RtspClient } from './rtsp-client.js';

/** RTSP's status codes for a refusal. */
export type RefusalStatus = 401 | 403 | 453 | 500 | 503;

export type Answer =
  { readonly admitted: true } | { readonly admitted: false; readonly status: RefusalStatus; readonly text: string };

export const ADMITTED: Answer = { admitted: true };

/** The means to count and cut a client. What the client says about itself may be arbitrarily long, and is not kept here. */
export interface Client {
  /** Counters of its media, from the first PLAY or RECORD on. One object per caller. */
  counters(): ByteCounters;
  /** Cuts its connection and media at once. */
  destroy(reason: CloseReason): void;
}

/** One request to play or publish, from the question until the client has gone. */
export interface Authorization {
  readonly answer: Answer | Promise<Answer>;
  /** The client has gone, or has changed its mind, possibly while waiting for the answer. Safe to call twice. */
  close(reason?: CloseReason): void;
}

/** Decides who plays and publishes, and is told when they end. */
export interface Authorizer {
  authorize(client: Client, asked: RtspClient): Authorization;
}
