import type { SessionDirectory } from '@stream-sessions/core';
import {
  ApiError,
  needDirectory,
  notFound,
  sendError,
  sendJson,
  systemClock,
  unreachable,
} from '@stream-sessions/core/spi';
import type { PlaybackRequest, PlaybackResponse } from '../connect.js';
import { targetOf } from '../request/target.js';
import { checkAccess } from './access.js';
import { Feed } from './feed/feed.js';
import { signIn } from './key/sign-in.js';
import { prepare, type Prepared, type SessionsApiOptions } from './options.js';
import { type Route, ROUTES } from './routes.js';

/** A Connect-style handler that also works on its own: without `next`, it answers unknown paths with 404. */
export type ApiHandler = (req: PlaybackRequest, res: PlaybackResponse, next?: (error?: unknown) => void) => void;

/**
 * The REST API of the list: `GET /sessions`, `GET|DELETE /sessions/:id`, `GET /streams`, `GET /streams/:code/sessions`, `GET|POST
 * /denials`, `DELETE /denials/:id`, `GET /sessions|denials/:id/explain`, `POST /invalidate`, `POST /reauthorize`, `GET /stats`,
 * and the live feed: `GET /events`. JSON with Open-Streamer's names; tokens only as fingerprints unless the tracker exposes them.
 * Other paths are passed on.
 *
 * Access requires a key, which is generated here and printed once, unless `authorize` decides who gets in.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION, ERR_KEY_FILE
 * @example app.use('/api', sessionsApi(tracker, { url: 'http://127.0.0.1:8080/api' }));
 */
export function sessionsApi(directory: SessionDirectory, options: SessionsApiOptions = {}): ApiHandler {
  needDirectory('sessionsApi: the first argument', directory);
  const prepared = prepare(options);
  const feed = new Feed(directory, systemClock);

  return (req, res, next) => {
    const found = findRoute(req);
    if (found === undefined) {
      if (next === undefined) sendError(req, res, notFound('Not found.'));
      else next();
      return;
    }
    serve(directory, req, res, found, { ...prepared, feed }).catch((error: unknown) =>
      sendError(req, res, unreachable(error) ?? error),
    );
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
  directory: SessionDirectory,
  req: PlaybackRequest,
  res: PlaybackResponse,
  { route, name, query }: Found,
  { authorize, key, lists, feed }: Prepared & { readonly feed: Feed },
): Promise<void> {
  if (key !== undefined && signIn(req, res, query, key)) return;
  const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
  const check = (): Promise<void> => checkAccess(req, method === 'GET' ? 'read' : 'write', authorize);
  await check();
  const operation = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined;
  if (operation === undefined) throw notAllowed(route);
  const decoded = safely(() => decodeURIComponent(name));
  if (decoded === undefined) throw notFound('Not found.');
  const call = { req, res, query, name: decoded, lists, feed, checkAccess: check };
  const { body, isAnswered, status = body === undefined ? 204 : 200 } = await operation(directory, call);
  if (isAnswered !== true) sendJson(req, res, status, body);
}

function notAllowed(route: Route): ApiError {
  const allow = Object.keys(route.methods).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  return new ApiError(405, 'METHOD_NOT_ALLOWED', `Allowed: ${allow.join(', ')}.`, { Allow: allow.join(', ') });
}

/** Paths come from strangers: one that cannot be read does not exist. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
