import type { IncomingHttpHeaders } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { byPrototype } from '../by-prototype.js';
import type { PlaybackRequest } from '../connect.js';
import type { ResponseSocket } from '../response/response-socket.js';

/**
 * A request with the properties that several parts need, read once: Express gives each request a shape of its own, which makes a
 * property access as expensive for V8 as a look-up in a map.
 */
export interface RequestInfo {
  readonly req: PlaybackRequest;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  /** What carries the response: with HTTP/1 the socket, which later responses use too; with HTTP/2 a stream of its own. */
  readonly outlet: ResponseSocket;
}

export function requestInfo(req: PlaybackRequest): RequestInfo {
  const { headers, socket } = req;
  return { req, headers, socket, outlet: isHttp2(req) ? (req as Http2ServerRequest).stream : socket };
}

const isHttp2 = byPrototype<PlaybackRequest, boolean>((prototype) =>
  prototype === null ? false : Object.create(prototype) instanceof Http2ServerRequest,
);
