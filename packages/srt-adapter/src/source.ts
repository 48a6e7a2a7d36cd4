import type { CloseReason } from '@stream-sessions/core';
import type { SrtStatistics } from './binding/statistics.js';

/**
 * One caller of an SRT server, as far as `attachSrt()` needs it. Bytes are those of packets' payloads, without SRT's headers
 * and what it sends again.
 */
export interface SrtConnection {
  /** As the caller sent it; undefined, or without a resource, is refused. */
  readonly streamId: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort?: number;
  /** The caller's version of libsrt, such as `1.5.1`: shown as the user agent `SRT/1.5.1`. */
  readonly peerVersion?: string;
  /** Encrypted. */
  readonly secure?: boolean;
  /** Bytes that the transport has taken for it. */
  readonly bytesSent: number;
  /** Bytes that came from it. */
  readonly bytesReceived: number;
  /** Without it there are no tags with numbers, and nobody is `stalled`. */
  statistics?(): SrtStatistics | undefined;
  /**
   * Called, if at all, while the server tells of the connection: no media flows to it or from it before the function that
   * this returns is called. Several may hold.
   */
  hold(): () => void;
  /** Ends it, at once. @param code SRT's reject reason, for a transport that can still say it. */
  close(code?: number): void;
  /** `close`: it is over, whoever ended it. The reason is `client_gone` unless it says another. */
  on(event: 'close', listener: (reason?: CloseReason) => void): unknown;
  off(event: 'close', listener: (reason?: CloseReason) => void): unknown;
}

/** Any SRT server that tells of its callers: `createSrtServer()`, or yours in a wrapper. */
export interface SrtSource {
  /** A connection has come about; no media has flown. */
  on(event: 'connection', listener: (connection: SrtConnection) => void): unknown;
  /** The server is about to end all connections. Yours need not have it. */
  on(event: 'closing', listener: () => void): unknown;
  off(event: 'connection', listener: (connection: SrtConnection) => void): unknown;
  off(event: 'closing', listener: () => void): unknown;
}
