import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { SessionTracker } from '@stream-sessions/core';
import { ConnectionSet, type Attachment } from '@stream-sessions/core/spi';
import type { SocketWatch, UpgradeClient } from './client/upgrade-client.js';
import { judge } from './judge.js';
import type { Settings } from './options.js';
import type { ServerWebSocket, UpgradeAnswer, UpgradeInfo, VerifyClient, WebSocketServerLike } from './server.js';

/** The two members of a server that are replaced, in writable form. */
interface Hooked {
  readonly options: { verifyClient?: VerifyClient | null };
  handleUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer, callback: Upgraded) => void;
}
type Upgraded = (ws: ServerWebSocket, request: IncomingMessage) => void;

/** A server that asks the tracker, and its connections. */
export interface HookedServer extends Attachment {
  readonly connections: ConnectionSet<Socket, UpgradeClient>;
}

/** Makes every upgrade of this server pass through the tracker. */
export function hookServer(wss: WebSocketServerLike, tracker: SessionTracker, settings: Settings): HookedServer {
  const connections = new ConnectionSet<Socket, UpgradeClient>(tracker, settings);
  const server = wss as unknown as Hooked;
  const { verifyClient: ownVerify } = server.options;
  const ownHandle = server.handleUpgrade;
  let attached = true;

  // One listener for all sockets, because there may be ten thousand.
  const onClose = function (this: Socket): void {
    connections.get(this)?.close();
  };
  const watch: SocketWatch = { onClose, silenceTimeoutMs: settings.silenceTimeoutMs };
  // By now ws has validated the request: it is for this server, and its key is valid.
  const verifyClient = (info: UpgradeInfo, answer: UpgradeAnswer): void =>
    askOwn(ownVerify, info, (verified, ...rest) => {
      if (!verified || !attached) answer(verified, ...rest);
      else judge(info.req, answer, connections, settings, watch)?.asked();
    });
  const handleUpgrade: Hooked['handleUpgrade'] = (request, socket, head, callback) =>
    ownHandle.call(server, request, socket, head, (ws, upgraded) => {
      connections.get(request.socket)?.client.upgraded(ws);
      callback(ws, upgraded);
    });
  server.options.verifyClient = verifyClient;
  server.handleUpgrade = handleUpgrade;

  return {
    connections,
    async detach() {
      attached = false;
      // If something was attached later, it wraps these functions, which then do nothing.
      if (server.options.verifyClient === verifyClient) server.options.verifyClient = ownVerify ?? null;
      if (server.handleUpgrade === handleUpgrade) server.handleUpgrade = ownHandle;
      connections.close();
    },
  };
}

/** The server's own `verifyClient` decides first: it may know better, and usually costs nothing. */
function askOwn(own: VerifyClient | null | undefined, info: UpgradeInfo, answer: UpgradeAnswer): void {
  if (!own) answer(true);
  else if (own.length === 2) own(info, answer);
  else answer(Boolean((own as (info: unknown) => unknown)(info)));
}
