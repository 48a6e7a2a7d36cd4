import { StreamSessionsError, type CloseReason, type SessionTracker } from '@stream-sessions/core';
import { needTracker, TransportConnection, connectionOptions } from '@stream-sessions/core/spi';
import { Reject } from '../reject.js';
import { readRequest } from '../request.js';
import { warnOfFault } from '../warn.js';
import type { SrtConnection, SrtSource } from '../source.js';
import { Caller, hitOf } from './caller.js';
import type { SrtOptions } from './options.js';

/** What `attachSrt()` returns. */
export interface Attachment {
  /**
   * Removes every listener and leaves the server running: clients keep playing, untracked. Their sessions close with
   * `shutdown`. Idempotent.
   */
  detach(): Promise<void>;
}

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
      'attachSrt() takes a server of createSrtServer(), or an object that tells of `connection` by on() and off().',
    );
  }
  needTracker('attachSrt(): the second argument', tracker);
  const watched = new Set<TransportConnection>();

  const onConnection = (connection: SrtConnection): void => {
    const request = readRequest(connection.streamId);
    if (typeof request === 'number') return connection.close(request);
    const caller = new Caller(connection, request.kind, settings, (reason, hangUp) => transport.close(reason, hangUp));
    const onClose = (reason: CloseReason = 'client_gone'): void => transport.close(reason);
    const transport = new TransportConnection(caller, tracker, { ...settings, stallTimeoutMs: 0 }, () => {
      watched.delete(transport);
      connection.off('close', onClose);
    });
    watched.add(transport);
    connection.on('close', onClose);
    try {
      transport.begin(hitOf(connection, request));
    } catch (error) {
      // Who cannot be judged does not play; and one stranger's hit must not end the server.
      warnOfFault(error);
      transport.close('transport_error');
      connection.close(Reject.serverError);
    }
  };
  const detach = (): void => {
    server.off('connection', onConnection);
    server.off('closing', detach);
    for (const transport of watched) transport.close('shutdown');
  };
  server.on('connection', onConnection);
  server.on('closing', detach);
  return {
    async detach() {
      detach();
    },
  };
}
