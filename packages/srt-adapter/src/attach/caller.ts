import type { CloseReason, ConnHandle, ConnHit, Denial } from '@stream-sessions/core';
import type { Flow, VisitClient, VisitSettings } from '@stream-sessions/core/spi';
import { rejectCodeOf } from '../reject.js';
import type { SrtRequest } from '../request.js';
import type { SrtConnection } from '../source.js';
import { CallerFlow } from './caller-flow.js';

/** A connection as the tracker's visit needs it. */
export class Caller implements VisitClient {
  private letGo: (() => void) | undefined = undefined;

  constructor(
    private readonly connection: SrtConnection,
    private readonly kind: SrtRequest['kind'],
    private readonly settings: VisitSettings,
    private readonly leave: (reason: CloseReason, hangUp: boolean) => void,
  ) {}

  flow(handle: ConnHandle): Flow {
    const { connection, settings, kind } = this;
    const cut = (reason: CloseReason): void => this.leave(reason, true);
    return new CallerFlow(connection, handle, settings, kind === 'viewer' ? cut : undefined);
  }

  hold(): void {
    this.letGo ??= this.connection.hold();
  }

  release(): void {
    this.letGo?.();
  }

  refuse(denial: Denial): void {
    this.connection.close(rejectCodeOf(denial));
  }

  sever(): void {
    this.connection.close();
  }

  forget(): void {
    // its listener is taken away by who put it there
  }
}

/** What the tracker is told of a caller. */
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
