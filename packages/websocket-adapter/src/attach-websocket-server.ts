import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { StreamSessionsError, type SessionTracker } from '@stream-sessions/core';
import { ConnectionSet, needTracker, warnOnce, type Attachment, type SubscribeToEnd } from '@stream-sessions/core/spi';
import { refuse, UpgradeClient } from './client/upgrade-client.js';
import { settingsOf, type Settings, type WebSocketOptions } from './options.js';
import { hitOfUpgrade } from './request/hit-of-upgrade.js';
import type { ServerWebSocket, UpgradeAnswer, VerifyClient, WebSocketServerLike } from './server.js';

const warn = warnOnce('The WebSocket adapter could not judge a client, and refused it');

/** A server with the two things that are put in its way, as they can be written. */
interface Hooked {
  readonly options: { verifyClient?: VerifyClient | null };
  handleUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer, callback: Upgraded) => void;
}
type Upgraded = (ws: ServerWebSocket, request: IncomingMessage) => void;

/**
 * Puts every client of a `WebSocketServer` of `ws` into the tracker's list: asked before the upgrade, refused by a status of
 * HTTP, counted in both directions, and cut with the close code 4403. Works with `server`, `port` and `noServer`; the server's own
 * `verifyClient` is asked first. Clients that are already connected are not seen.
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
  const connections = new ConnectionSet<Socket, UpgradeClient>(tracker, settings);
  const server = wss as unknown as Hooked;
  const { verifyClient: ownVerify } = server.options;
  const ownHandle = server.handleUpgrade;
  let attached = true;

  // By now ws has found nothing wrong with the request: it is for this server, and its key is one.
  const verifyClient = (info: Parameters<VerifyClient>[0], answer: UpgradeAnswer): void =>
    askOwn(ownVerify, info, (verified, ...rest) => {
      if (!verified || !attached) answer(verified, ...rest);
      else judge(info.req, answer, connections, settings)?.asked();
    });
  const handleUpgrade: Hooked['handleUpgrade'] = (request, socket, head, callback) =>
    ownHandle.call(server, request, socket, head, (ws, upgraded) => {
      connections.get(request.socket)?.client.upgraded(ws);
      callback(ws, upgraded);
    });
  server.options.verifyClient = verifyClient;
  server.handleUpgrade = handleUpgrade;

  return {
    async detach() {
      attached = false;
      // Whoever was attached later stands before these, which then do nothing.
      if (server.options.verifyClient === verifyClient) server.options.verifyClient = ownVerify ?? null;
      if (server.handleUpgrade === handleUpgrade) server.handleUpgrade = ownHandle;
      connections.close();
    },
  };
}

/** What the server was given itself decides first: it may know better, and mostly costs nothing. */
function askOwn(own: VerifyClient | null | undefined, info: Parameters<VerifyClient>[0], answer: UpgradeAnswer): void {
  if (!own) answer(true);
  else if (own.length === 2) own(info, answer);
  else answer(Boolean((own as (info: unknown) => unknown)(info)));
}

/** Asks the tracker. Undefined: the client has its answer already, or is gone. */
function judge(
  request: IncomingMessage,
  answer: UpgradeAnswer,
  connections: ConnectionSet<Socket, UpgradeClient>,
  settings: Settings,
): UpgradeClient | undefined {
  const { socket } = request;
  if (socket.destroyed) return undefined;
  let hit: ReturnType<typeof hitOfUpgrade>;
  try {
    hit = hitOfUpgrade(request, settings);
  } catch (error) {
    return failed(error, answer);
  }
  if (hit === null) return void answer(true);
  if (hit === undefined) return void refuse(answer, 400, 'The request names no stream.');
  const client = new UpgradeClient(socket, settings.silenceTimeoutMs, answer);
  try {
    connections.add(socket, client, hit, onceGone(socket, client));
  } catch (error) {
    return failed(error, answer);
  }
  return client;
}

function failed(error: unknown, answer: UpgradeAnswer): undefined {
  warn(error);
  refuse(answer, 500, 'The server could not judge this request.');
}

const onceGone =
  (socket: Socket, client: UpgradeClient): SubscribeToEnd =>
  (gone) => {
    const onEnd = (): void => client.hungUp();
    socket.once('close', gone);
    socket.once('end', onEnd);
    return () => {
      socket.off('close', gone);
      socket.off('end', onEnd);
    };
  };
