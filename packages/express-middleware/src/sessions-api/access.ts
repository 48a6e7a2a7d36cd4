import type { PlaybackRequest } from '../connect.js';
import { ApiError } from './answer.js';

export type Action = 'read' | 'write';

/** Headers that say a request came through somebody else. */
const FORWARDED =
  /^(?:x-forwarded(?:-.*)?|forwarded(?:-.*)?|via|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-(?:for|host|uri|url|forwarded-for)|x-envoy-.*|x-amzn-trace-id|true-client-ip|client-ip|cf-.*|fastly-.*|fly-.*|x-azure-.*|x-appengine-.*|x-vercel-.*|cdn-loop)$/;

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/i;

/**
 * Why this caller is not simply somebody at this machine; undefined when it is. What a reverse proxy here, a name that
 * was rebound to 127.0.0.1, or a web page from elsewhere sends must not pass.
 */
export function notDirectlyLocal(req: PlaybackRequest, action: Action): string | undefined {
  if (!LOOPBACK.test(req.socket.remoteAddress ?? '')) return 'the caller is not on this machine';
  if (Object.keys(req.headers).some((name) => FORWARDED.test(name))) return 'the request was forwarded';
  // nginx adds no header unless told to, but it speaks HTTP/1.0 to what is behind it
  if (req.httpVersionMajor < 2 && req.httpVersion !== '1.1') return 'HTTP/1.0 is what proxies speak';
  const host = hostOf(req);
  if (!LOCAL_HOST.test(host)) return 'the Host is not localhost, 127.0.0.1 or [::1]';
  return action === 'write' ? foreignPage(req, host) : undefined;
}

/** A browser sends along what it may not read; so that a page from elsewhere cannot kick, its writes are refused. */
function foreignPage(req: PlaybackRequest, host: string): string | undefined {
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'a page of another site sent it';
  const { origin } = req.headers;
  if (origin === undefined) return undefined;
  return origin === `http://${host}` || origin === `https://${host}` ? undefined : 'its Origin is another site';
}

function hostOf(req: PlaybackRequest): string {
  const host = req.headers.host ?? req.headers[':authority'];
  return typeof host === 'string' ? host : '';
}

/** Decides who may use the API. True lets in; anything else refuses. */
export type Authorize = (req: PlaybackRequest, action: Action) => boolean | Promise<boolean>;

/**
 * @throws ApiError 403 for whom it may not let in (401 or 403 when `authorize` throws an error with that `status`).
 * Whatever else `authorize` throws is thrown on: who cannot be checked is not let in.
 */
export async function checkAccess(
  req: PlaybackRequest,
  action: Action,
  authorize: Authorize | undefined,
): Promise<void> {
  if (authorize === undefined) {
    const reason = notDirectlyLocal(req, action);
    if (reason === undefined) return;
    throw forbidden(`Only direct callers on this machine get in, and ${reason}. Pass authorize to sessionsApi().`);
  }
  let allowed: unknown;
  try {
    allowed = await authorize(req, action);
  } catch (error) {
    const status = statusOf(error);
    if (status === 401) throw unauthorized();
    if (status === 403) throw forbidden('You may not do this.');
    throw error;
  }
  if (allowed !== true) throw forbidden('You may not do this.');
}

const forbidden = (message: string): ApiError => new ApiError(403, 'FORBIDDEN', message);
const unauthorized = (): ApiError =>
  new ApiError(401, 'UNAUTHORIZED', 'Say who you are.', { 'WWW-Authenticate': 'Bearer' });

/** As `http-errors` and its kin carry it. */
function statusOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
  return status ?? statusCode;
}
