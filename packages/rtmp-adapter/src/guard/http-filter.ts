import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const NAMES = /^\/[\w-]+\/[\w-]+\.flv$/;
const METHODS = ['GET', 'POST', 'OPTIONS'];

export interface FlvPaths {
  /** Paths that the server takes for a stream. */
  readonly taken: RegExp;
  /** Those of them that it can bear. */
  readonly borne: RegExp;
}

/** 4 takes exactly two segments, and dies of names that it does not allow itself. */
export const PATHS_4: FlvPaths = { taken: /^\/[^/]+\/[^/]+\.flv\/?$/i, borne: NAMES };
/** 2 takes everything that ends so. */
export const PATHS_2: FlvPaths = { taken: /\.flv\/?$/i, borne: /^(?:\/[\w-]+)+\.flv$/ };

type Listener = (...args: unknown[]) => void;

/** Keeps requests from the server that would kill it. Returns what takes the filter away again. */
export function filterHttp(server: EventEmitter, paths: FlvPaths): () => void {
  const undo = [
    intercept(server, 'request', (req, res) => answerRequest(req as IncomingMessage, res as ServerResponse, paths)),
    intercept(server, 'upgrade', (req, socket) => answerUpgrade(req as IncomingMessage, socket as Duplex, paths)),
  ];
  return () => undo.forEach((each) => each());
}

/** Calls the listeners that are there now only for what the filter has not answered. */
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

/** Undefined: it is no path at all, or one that two parsers could read in two ways. */
function pathOf(url = ''): string | undefined {
  return url.startsWith('/') && !/[\\#]/.test(url) ? url.split('?', 1)[0] : undefined;
}

function answerRequest(req: IncomingMessage, res: ServerResponse, { taken, borne }: FlvPaths): boolean {
  const path = pathOf(req.url);
  if (path === undefined) return refuse(res, 400);
  if (!taken.test(path)) return false;
  if (!borne.test(path)) return refuse(res, 400);
  if (!METHODS.includes(req.method ?? '')) return refuse(res, 405);
  // Sent behind another request on one connection, its media would wait for that one's end, which never comes.
  if (res.socket === null && req.httpVersionMajor < 2) {
    req.socket.destroy();
    return true;
  }
  return false;
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
