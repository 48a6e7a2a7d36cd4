import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** A request from `http`, `https`, Express, `connect`, or the compatibility API of `http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** The response to such a request. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Whether its client has gone: an HTTP/2 response does not report this itself. */
export const isGone = (res: NodeResponse): boolean =>
  'stream' in res ? (res.stream?.destroyed ?? true) : res.destroyed;
