import type { CloseReason, ConnHandle, ConnHit, Denial } from '@stream-sessions/core';
import type { ByteCounters, TransportClient, ConnectionSettings } from '@stream-sessions/core/spi';
import { rejectCodeOf } from '../protocol/reject.js';
import type { SrtRequest } from '../protocol/request.js';
import type { SrtConnection } from '../source.js';
import { SrtByteCounters } from './srt-byte-counters.js';

/** A connection of the server, as its `TransportConnection` needs it. */
export class SrtClient implements TransportClient {
  private resumeMedia: (() => void) | undefined = undefined;

  constructor(
    private readonly connection: SrtConnection,
    private readonly kind: SrtRequest['kind'],
    private readonly settings: ConnectionSettings,
    private readonly cut: (reason: CloseReason) => void,
  ) {}

  counters(handle: ConnHandle): ByteCounters {
    const { connection, settings, kind, cut } = this;
    return new SrtByteCounters(connection, handle, settings, kind === 'viewer' ? cut : undefined);
  }

  pause(): void {
    this.resumeMedia ??= this.connection.hold();
  }

  resume(): void {
    this.resumeMedia?.();
  }

  reject(denial: Denial): void {
    this.connection.close(rejectCodeOf(denial));
  }

  destroy(): void {
    this.connection.close();
  }

  dispose(): void {
    // Nothing to undo: the server was not changed.
  }
}

/** The hit of a caller. */
export function hitOf(
  connection: SrtConnection,
  { stream, kind, token, credentials, path, query }: SrtRequest,
): ConnHit {
  const { remoteAddress, remotePort, peerVersion, secure = false } = connection;
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress;
  return {
    stream,
    kind,
    protocol: 'srt',
    remoteAddress: remotePort === undefined ? remoteAddress : `${host}:${remotePort}`,
    secure,
    query,
    url: `${path}${query && '?'}${query}`,
    ...(peerVersion !== undefined && { userAgent: `SRT/${peerVersion}` }),
    ...(token !== undefined && { token }),
    ...(credentials !== undefined && { credentials }),
  };
}
