import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { PlaybackResponse } from '../connect.js';
import type { RequestInfo } from '../request/request-info.js';
import type { BodyCounter } from './body-counter.js';
import { counted, finishing } from './counted.js';
import { expressResponse } from './express-prototype.js';
import { enqueue, findResponse, finishResponse } from './response-queue.js';
import { SocketBody } from './socket-body.js';
import { StreamBody } from './stream-body.js';
import type { Detaching, Writing } from './writing.js';

/** Counts a response, or returns its existing counter. */
export function countBody({ req, socket, outlet }: RequestInfo, res: PlaybackResponse): BodyCounter {
  const known = findResponse(outlet, res);
  if (known !== undefined) return known;
  return outlet === socket
    ? countSocket(req as IncomingMessage, res, socket)
    : countStream(req as Http2ServerRequest, res);
}

function countStream(req: Http2ServerRequest, res: PlaybackResponse): BodyCounter {
  const body = new StreamBody(req, res as Http2ServerResponse, req.stream);
  enqueue(req.stream, body);
  const { write, end } = res as Writing;
  Object.assign(
    res,
    counted({ write, end }, () => body),
  );
  return body;
}

function countSocket(req: IncomingMessage, res: PlaybackResponse, socket: Socket): BodyCounter {
  const body = new SocketBody(req, res as ServerResponse, socket);
  enqueue(socket, body);
  if (isCountedByExpress(res)) return body;
  const { write, end, detachSocket } = res as Writing & Detaching;
  Object.assign(
    res,
    counted({ write, end }, () => body),
    finishing({ detachSocket }, finishResponse),
  );
  return body;
}

/**
 * Wraps the methods of all of Express's responses, once, because properties on individual responses are expensive in Express (see
 * response-queue.ts). False if this response is not one of them.
 */
function isCountedByExpress(res: PlaybackResponse): boolean {
  const prototype = expressResponse(res);
  if (prototype === undefined) return false;
  if (wrapped.has(prototype)) return true;
  wrapped.add(prototype);
  // a response has its socket only while it is its turn
  const inQueue = (each: PlaybackResponse) => findResponse(each.socket ?? each.req.socket, each);
  const original = ownOrInherited(prototype);
  Object.assign(prototype, counted(original, inQueue), finishing(original, finishResponse));
  // If somebody wrapped this first response earlier, its calls bypass these methods.
  return !Object.hasOwn(res, 'end') && !Object.hasOwn(res, 'write');
}

const wrapped = new WeakSet<object>();

/** The methods that an object has now; those it inherits stay inherited. */
function ownOrInherited<T extends Writing & Detaching>(object: T): T {
  const inherited = Object.getPrototypeOf(object) as object;
  return Object.defineProperties(Object.create(inherited), Object.getOwnPropertyDescriptors(object)) as T;
}
