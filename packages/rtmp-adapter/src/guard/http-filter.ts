import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const NAMES = /^\/[\w-]+\/[\w-]+\.flv$/;
const METHODS = ['GET', 'POST', 'OPTIONS'];
/** The longest message from a player over WebSocket. Bytes. */
const MAX_SAID = 64 * 1024;

/** HTTP/1 connections in use by a player or publisher: further requests on them would wait for an end that never comes. */
const busy = new WeakSet<Duplex>();

export interface FlvPaths {
  /** Paths that the server treats as a stream. */
  readonly taken: RegExp;
  /** The subset of these that it can handle. */
  readonly borne: RegExp;
  /** Publishers are accepted on these paths. */
  readonly publishers: boolean;
}

/** Version 4 accepts exactly two segments, and crashes on names that it does not allow. */
export const PATHS_4: FlvPaths = { taken: /^\/[^/]+\/[^/]+\.flv\/?$/i, borne: NAMES, publishers: true };
/** Version 2 accepts every path with this ending. */
export const PATHS_2: FlvPaths = { taken: /\.flv\/?$/i, borne: /^(?:\/[\w-]+)+\.flv$/, publishers: false };

type Listener = (...args: unknown[]) => void;

/** The part of a WebSocket server of `ws` that limits its messages: it is read for every connection. */
export interface WebSocketServer {
  readonly options: { maxPayload?: number };
}

/** Keeps requests from the server that would crash it. Returns a function that removes the filter. */
export function filterHttp(
  server: EventEmitter,
  paths: FlvPaths,
  ws: WebSocketServer | undefined,
  maxMessageBytes: number,
): () => void {
  const maxPayload = ws?.options.maxPayload;
  const undo = [
    intercept(server, 'request', (req, res) => answerRequest(req as IncomingMessage, res as ServerResponse, paths)),
    intercept(server, 'upgrade', (req, socket) => {
      if (answerUpgrade(req as IncomingMessage, socket as Duplex, paths)) return true;
      // Otherwise it would buffer up to 100 MiB of an incomplete message.
      if (ws)
        ws.options.maxPayload = paths.publishers && asksToPublish(req as IncomingMessage) ? maxMessageBytes : MAX_SAID;
      return false;
    }),
    () => {
      if (ws && maxPayload !== undefined) ws.options.maxPayload = maxPayload;
    },
  ];
  return () => undo.forEach((each) => each());
}

/** `ws` selects the first protocol that a client names, and version 4 takes that as its request. */
function asksToPublish({ headers }: IncomingMessage): boolean {
  const [first = ''] = (headers['sec-websocket-protocol'] ?? '').split(',', 1);
  return /^\s*(?:post|publisher)\s*$/i.test(first);
}

/** Calls the existing listeners only for what the filter has not answered. */
function intercept(server: EventEmitter, event: string, filter: (...args: unknown[]) => boolean): () => void {
  const listeners = server.listeners(event) as Listener[];
  const own: Listener = (...args) => {
    if (!filter(...args)) for (const listener of listeners) listener.apply(server, args);
  };
  for (const listener of listeners) server.off(event, listener);
  server.on(event, own);
  return () => {
    if (!server.listeners(event).includes(own)) return;
    server.off(event, own);
    for (const listener of listeners) server.on(event, listener);
  };
}

/** Undefined: it is not a path, or one that two parsers could read differently. */
function pathOf(url = ''): string | undefined {
  return url.startsWith('/') && !/[\\#]/.test(url) ? url.split('?', 1)[0] : undefined;
}

function answerRequest(req: IncomingMessage, res: ServerResponse, paths: FlvPaths): boolean {
  const isHttp1 = req.httpVersionMajor < 2;
  const path = pathOf(req.url);
  if (isHttp1 && busy.has(req.socket)) return hangUp(req);
  if (path === undefined) return refuse(res, 400);
  if (!paths.taken.test(path)) return false;
  if (!paths.borne.test(path)) return refuse(res, 400);
  if (!METHODS.includes(req.method ?? '')) return refuse(res, 405);
  if (!isHttp1 || req.method === 'OPTIONS') return false;
  // It would wait for the end of the request before it.
  if (res.socket === null) return hangUp(req);
  busy.add(req.socket);
  return false;
}

function hangUp(req: IncomingMessage): true {
  req.socket.destroy();
  return true;
}

function refuse(res: ServerResponse, status: number): true {
  res.statusCode = status;
  if (status === 405) res.setHeader('Allow', METHODS.join(', '));
  res.end();
  return true;
}

function answerUpgrade(req: IncomingMessage, socket: Duplex, { borne }: FlvPaths): boolean {
  if (borne.test(pathOf(req.url) ?? '')) return false;
  socket.on('error', () => undefined);
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  return true;
}
