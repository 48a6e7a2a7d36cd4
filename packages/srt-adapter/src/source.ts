import type { CloseReason } from '@stream-sessions/core';
import type { SrtStatistics } from './binding/statistics.js';

/**
 * The part of an SRT server's connection that `attachSrt()` needs. Bytes are those of packet payloads, without SRT's headers and
 * retransmissions.
 */
export interface SrtConnection {
  /** As sent by the caller; a caller without one, or without a resource in it, is refused. */
  readonly streamId: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort?: number;
  /** The caller's version of libsrt, such as `1.5.1`: shown as the user agent `SRT/1.5.1`. */
  readonly peerVersion?: string;
  /** Encrypted. */
  readonly secure?: boolean;
  /** Bytes that the transport has accepted for this client. */
  readonly bytesSent: number;
  /** Bytes received from this client. */
  readonly bytesReceived: number;
  /** Without this, there are no tags with figures, and no client is ever `stalled`. */
  statistics?(): SrtStatistics | undefined;
  /**
   * Called, if at all, while the server emits the connection: no media flows to it or from it until the returned function
   * is called. There may be several holds.
   */
  hold(): () => void;
  /** Closes it at once. @param code SRT's reject reason, for transports that can still send it. */
  close(code?: number): void;
  /** `close`: it is over, whichever side ended it. The reason is `client_gone` unless another one is given. */
  on(event: 'close', listener: (reason?: CloseReason) => void): unknown;
  off(event: 'close', listener: (reason?: CloseReason) => void): unknown;
}

/** Any SRT server that emits its connections: `createSrtServer()`, or a wrapper around your own. */
export interface SrtSource {
  /** A connection was established; no media has flowed yet. */
  on(event: 'connection', listener: (connection: SrtConnection) => void): unknown;
  /** The server is about to close all connections. Your own server need not emit it. */
  on(event: 'closing', listener: () => void): unknown;
  off(event: 'connection', listener: (connection: SrtConnection) => void): unknown;
  off(event: 'closing', listener: () => void): unknown;
}
