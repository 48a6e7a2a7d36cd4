import type { SessionTracker } from '@stream-sessions/core';
import { badOption, checkOptions, needTracker } from '@stream-sessions/core/spi';
import type { PlaybackRequest, PlaybackResponse, RequestCallback } from '../connect.js';
import { targetOf } from '../request/target.js';
import { type Action, type Authorize, checkAccess } from './access.js';
import { ApiError, notFound, sendError, sendJson } from './answer.js';
import { type Route, ROUTES } from './routes.js';

/** Options of `sessionsApi()`. */
export interface SessionsApiOptions {
  /**
   * Decides who may use the API: true lets in, all else is answered 403; throw an error with `status: 401` for 401.
   * Without it only direct callers on this machine get in: a loopback socket, nothing forwarded, a local `Host`, and no
   * writes by pages of other sites. Behind a reverse proxy you need it.
   */
  authorize?: RequestCallback<[action: Action], boolean | Promise<boolean>>;
}

/** A Connect-style handler that also stands alone: without `next` what is not its own is answered 404. */
export type ApiHandler = (req: PlaybackRequest, res: PlaybackResponse, next?: (error?: unknown) => void) => void;

/**
 * The REST API of the list: `GET /sessions`, `GET|DELETE /sessions/:id`, `GET /streams`, `GET /streams/:code/sessions`,
 * `GET|POST /denials`, `DELETE /denials/:id`, `GET /sessions|denials/:id/explain`, `POST /invalidate`, `POST /reauthorize`,
 * `GET /stats`. JSON in Open-Streamer's names; tokens only
 * as fingerprints unless the tracker exposes them. Other paths pass on.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.use('/api', sessionsApi(tracker));
 */
export function sessionsApi(tracker: SessionTracker, options: SessionsApiOptions = {}): ApiHandler {
  needTracker('sessionsApi: the first argument', tracker);
  checkOptions('sessionsApi', options, ['authorize']);
  const { authorize } = options;
  if (authorize !== undefined && typeof authorize !== 'function') throw badOption('authorize', 'a function', authorize);

  return (req, res, next) => {
    const found = findRoute(req);
    if (found === undefined) {
      if (next === undefined) sendError(req, res, notFound('There is nothing here.'));
      else next();
      return;
    }
    serve(tracker, req, res, found, authorize).catch((error: unknown) => sendError(req, res, error));
  };
}

interface Found {
  readonly route: Route;
  readonly name: string;
  readonly query: URLSearchParams;
}

function findRoute(req: PlaybackRequest): Found | undefined {
  const target = safely(() => targetOf(req));
  const path = target?.pathname?.replace(/(?<=.)\/$/, '');
  if (path === undefined) return undefined;
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (match !== null) return { route, name: match[1] ?? '', query: new URLSearchParams(target?.query ?? '') };
  }
  return undefined;
}

async function serve(
  tracker: SessionTracker,
  req: PlaybackRequest,
  res: PlaybackResponse,
  { route, name, query }: Found,
  authorize: Authorize | undefined,
): Promise<void> {
  const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
  await checkAccess(req, method === 'GET' ? 'read' : 'write', authorize);
  const operation = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined;
  if (operation === undefined) throw notAllowed(route);
  const decoded = safely(() => decodeURIComponent(name));
  if (decoded === undefined) throw notFound('There is nothing of that name.');
  const { body, status = body === undefined ? 204 : 200 } = await operation(tracker, { req, query, name: decoded });
  sendJson(req, res, status, body);
}

function notAllowed(route: Route): ApiError {
  const allow = Object.keys(route.methods).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  return new ApiError(405, 'METHOD_NOT_ALLOWED', `Allowed: ${allow.join(', ')}.`, { Allow: allow.join(', ') });
}

/** Paths come from strangers: what cannot be read is not there. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
