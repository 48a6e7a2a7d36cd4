import { StreamSessionsError, type CloseReason, type SessionTracker } from '@stream-sessions/core';
import { ConnectionSet, connectionOptions, needTracker, type Attachment } from '@stream-sessions/core/spi';
import { Reject } from './protocol/reject.js';
import { readRequest } from './protocol/request.js';
import { warnOfFault } from './warn.js';
import type { SrtConnection, SrtSource } from './source.js';
import { SrtClient, hitOf } from './client/srt-client.js';
import type { SrtOptions } from './options.js';

/**
 * Puts every publisher and player of an SRT server into the tracker's list, asks the tracker before media flows, and cuts
 * the sessions it ends. The server comes from `createSrtServer()`, or is anything of the shape `SrtSource`. Clients that are
 * already connected are not seen.
 *
 * @throws StreamSessionsError ERR_BAD_SERVER for anything that does not emit connections, ERR_BAD_OPTION
 */
export function attachSrt(server: SrtSource, tracker: SessionTracker, options: SrtOptions = {}): Attachment {
  const settings = connectionOptions('attachSrt()', options);
  if (typeof server?.on !== 'function' || typeof server.off !== 'function') {
    throw new StreamSessionsError(
      'ERR_BAD_SERVER',
      'attachSrt() takes a server of createSrtServer(), or an object that emits `connection`, with on() and off().',
    );
  }
  needTracker('attachSrt(): the second argument', tracker);
  // A stalled player is detected by `SrtByteCounters`: byte counts alone do not show it.
  const connections = new ConnectionSet<SrtConnection>(
    tracker,
    { ...settings, stallTimeoutMs: 0 },
    (error, connection) => {
      warnOfFault(error);
      connection.close(Reject.serverError);
    },
  );

  const onConnection = (connection: SrtConnection): void => {
    const request = readRequest(connection.streamId);
    if (typeof request === 'number') return connection.close(request);
    connections.safely(connection, () => {
      const cut = (reason: CloseReason): void => connections.get(connection)?.close(reason, true);
      const onClose = (reason?: CloseReason): void => connections.get(connection)?.close(reason);
      const client = new SrtClient(connection, request.kind, settings, cut);
      connections.add(connection, client, hitOf(connection, request), () => {
        connection.on('close', onClose);
        return () => connection.off('close', onClose);
      });
    });
  };
  const detach = (): void => {
    server.off('connection', onConnection);
    server.off('closing', detach);
    connections.close();
  };
  server.on('connection', onConnection);
  server.on('closing', detach);
  return {
    async detach() {
      detach();
    },
  };
}
