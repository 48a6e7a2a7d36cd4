import { StreamSessionsError, type SessionTracker } from '@stream-sessions/core';
import { needTracker, type Attachment } from '@stream-sessions/core/spi';
import { hookServer } from './hook-server.js';
import { settingsOf, type WebSocketOptions } from './options.js';
import type { WebSocketServerLike } from './server.js';

/**
 * Puts every client of a `WebSocketServer` of `ws` into the tracker's list: judged before the upgrade, refused with an HTTP
 * status, counted in both directions, and cut with the close code 4403. Works with `server`, `port` and `noServer`; the server's
 * own `verifyClient` is asked first. Clients that are already connected are not seen.
 *
 * @throws StreamSessionsError ERR_BAD_SERVER for anything but a `WebSocketServer`, ERR_BAD_OPTION
 * @example attachWebSocketServer(new WebSocketServer({ server, path: '/live/cam1' }), tracker);
 */
export function attachWebSocketServer(
  wss: WebSocketServerLike,
  tracker: SessionTracker,
  options: WebSocketOptions = {},
): Attachment {
  const settings = settingsOf(options);
  if (typeof wss?.handleUpgrade !== 'function' || typeof wss.options !== 'object') {
    throw new StreamSessionsError(
      'ERR_BAD_SERVER',
      'attachWebSocketServer() takes a WebSocketServer of the package ws.',
    );
  }
  needTracker('attachWebSocketServer(): the second argument', tracker);
  const hooked = hookServer(wss, tracker, settings);
  return { detach: () => hooked.detach() };
}
