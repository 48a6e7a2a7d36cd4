import type { CloseReason } from '@stream-sessions/core';
import type { SrtStatistics } from './binding/statistics.js';

/**
 * One caller of an SRT server, as far as `attachSrt()` needs it. Bytes are those of packets' payloads, without SRT's headers
 * and retransmissions.
 */
export interface SrtConnection {
  /** As the caller sent it; a caller without one, or without a resource in it, is refused. */
  readonly streamId: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort?: number;
  /** The caller's version of libsrt, such as `1.5.1`: shown as the user agent `SRT/1.5.1`. */
  readonly peerVersion?: string;
  /** Encrypted. */
  readonly secure?: boolean;
  /** Bytes that the transport has accepted for it. */
  readonly bytesSent: number;
  /** Bytes that came from it. */
  readonly bytesReceived: number;
  /** Without this, there are no tags with figures, and nobody is `stalled`. */
  statistics?(): SrtStatistics | undefined;
  /**
   * Called, if at all, while the server emits the connection: no media flows to it or from it until the returned function
   * is called. There may be several holds.
   */
  hold(): () => void;
  /** Ends it at once. @param code SRT's reject reason, for transports that can still send it. */
  close(code?: number): void;
  /** `close`: it is over, whoever ended it. The reason is `client_gone` unless another one is given. */
  on(event: 'close', listener: (reason?: CloseReason) => void): unknown;
  off(event: 'close', listener: (reason?: CloseReason) => void): unknown;
}

/** Any SRT server that emits its callers: `createSrtServer()`, or your own in a wrapper. */
export interface SrtSource {
  /** A connection was established; no media has flowed yet. */
  on(event: 'connection', listener: (connection: SrtConnection) => void): unknown;
  /** The server is about to end all connections. Yours need not have it. */
  on(event: 'closing', listener: () => void): unknown;
  off(event: 'connection', listener: (connection: SrtConnection) => void): unknown;
  off(event: 'closing', listener: () => void): unknown;
}
