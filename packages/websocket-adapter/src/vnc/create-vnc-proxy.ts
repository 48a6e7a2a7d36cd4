import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CloseReason } from '@stream-sessions/core';
import { warnOnce } from '@stream-sessions/core/spi';
import { WebSocketServer, type WebSocket } from 'ws';
import { farewell } from '../client/farewell.js';
import { hookServer } from '../hook-server.js';
import { bridge } from './bridge.js';
import { vncSettingsOf, type VncProxyOptions, type VncSettings } from './options.js';
import { reach } from './reach.js';

/** The largest message from a viewer: keys, mouse, text from its clipboard. Bytes. */
const MAX_MESSAGE = 1024 * 1024;
/** The name that noVNC and websockify use for RFB over WebSocket. */
const SUBPROTOCOL = 'binary';

/** What `createVncProxy()` returns. */
export interface VncProxy {
  /** For `server.on('upgrade', …)`: every request it is given counts as a viewer of a desktop. */
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Closes all viewers as `shutdown`, also those that are not counted. Later requests are refused with 503. */
  close(): Promise<void>;
}

/** Ends a viewer, in the books and on the wire. */
type End = (reason: CloseReason) => void;

const warn = warnOnce('The VNC proxy could not reach a desktop, and closed its viewer');

/**
 * Makes a proxy between noVNC, or any client that speaks RFB over WebSocket, and VNC servers: viewers are in the tracker's list
 * with the protocol `vnc`, refused before the upgrade, and cut by a kick, with their desktops out of reach.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example
 * const vnc = createVncProxy({ tracker, target: () => ({ host: '127.0.0.1', port: 5901 }), allow: ['127.0.0.1'] });
 * server.on('upgrade', vnc.handleUpgrade);
 */
export function createVncProxy(options: VncProxyOptions): VncProxy {
  const settings = vncSettingsOf(options);
  let isOpen = true;
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE,
    verifyClient: (_info, answer) => answer(isOpen, 503),
    handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
  });
  const { connections } = hookServer(wss, options.tracker, settings.websocket);

  /** Viewers that the option `hit` lets pass. They have no books. */
  const uncounted = new Set<WebSocket>();

  const serve = (ws: WebSocket, request: IncomingMessage): void => {
    const viewer = connections.get(request.socket);
    if (viewer === undefined) keepUncounted(ws, uncounted);
    const end: End = (reason) => (viewer === undefined ? farewell(ws, reason) : viewer.close(reason, true));
    connectToDesktop(ws, request, settings, end).catch((error: unknown) => {
      if (ws.readyState !== ws.OPEN) return;
      warn(error);
      end('transport_error');
    });
  };
  return {
    handleUpgrade: (request, socket, head) => wss.handleUpgrade(request, socket, head, serve),
    async close() {
      isOpen = false;
      for (const [, viewer] of connections) viewer.close('shutdown', true);
      for (const ws of uncounted) farewell(ws, 'shutdown');
    },
  };
}

function keepUncounted(ws: WebSocket, uncounted: Set<WebSocket>): void {
  uncounted.add(ws);
  ws.once('close', () => uncounted.delete(ws));
  // an invalid frame: 'close' follows, and without a listener this would end the process
  ws.on('error', () => undefined);
}

async function connectToDesktop(
  ws: WebSocket,
  request: IncomingMessage,
  { websocket, target, allows, connectTimeoutMs, idleTimeoutMs }: VncSettings,
  end: End,
): Promise<void> {
  // What it sends meanwhile waits in its socket.
  ws.pause();
  const gone = new AbortController();
  ws.once('close', () => gone.abort());
  const late = setTimeout(() => gone.abort(new Error(`it took more than ${connectTimeoutMs} ms`)), connectTimeoutMs);
  let desktop: Socket;
  try {
    const where = await unlessAborted(gone.signal, target(request));
    if (where === undefined) return end('no_desktop');
    desktop = await reach(where, allows, gone.signal);
  } finally {
    clearTimeout(late);
  }
  if (idleTimeoutMs > 0) desktop.setTimeout(idleTimeoutMs, () => end('idle'));
  bridge(ws, desktop, websocket.stallTimeoutMs, end);
  if (ws.readyState !== ws.OPEN) desktop.destroy();
}

/** A foreign promise, which may never settle. */
async function unlessAborted<T>(signal: AbortSignal, answer: T | Promise<T>): Promise<T> {
  signal.throwIfAborted();
  return Promise.race([
    answer,
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
  ]);
}
