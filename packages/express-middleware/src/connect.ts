import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** A request from `http`, `https`, Express, `connect`, or the compatibility API of `http2`. */
export type PlaybackRequest = IncomingMessage | Http2ServerRequest;

/** The response to such a request. */
export type PlaybackResponse = ServerResponse | Http2ServerResponse;

/** A Connect-style handler: works with `app.use()` of Express 4, Express 5 and `connect`, and as a plain `http` handler. */
export type ConnectMiddleware = (req: PlaybackRequest, res: PlaybackResponse, next: (error?: unknown) => void) => void;

/**
 * A callback that may narrow its request, so that `(req: express.Request) => req.params.code` fits. Methods are compared
 * bivariantly, functions are not.
 */
export type RequestCallback<Rest extends unknown[], Result> = {
  call(req: PlaybackRequest, ...rest: Rest): Result;
}['call'];

/** The properties that Express and `connect` add to a request and that are read here. */
export interface Routed {
  /** The target before the mount path was removed. */
  originalUrl?: string;
  /** Express: the mount path. */
  baseUrl?: string;
  /** Express: the client's address as `trust proxy` reads it. */
  ip?: string;
  /** Express: TLS, as `trust proxy` reads it. */
  secure?: boolean;
  /** Express. */
  app?: { get?(setting: string): unknown };
  /** The result of a body parser. */
  body?: unknown;
}

/** The request, typed with what a framework may have added. */
export const routed = (req: PlaybackRequest): PlaybackRequest & Routed => req;
