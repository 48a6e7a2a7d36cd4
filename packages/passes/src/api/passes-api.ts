import {
  ApiError,
  badOption,
  checkAccess,
  checkOptions,
  invalidBody,
  invalidQuery,
  type NodeRequest,
  type NodeResponse,
  notFound,
  readObject,
  sendError,
  sendJson,
  unauthorized,
} from '@stream-sessions/core/spi';
import { accountsOf, type PassBook } from '../book/pass-book.js';
import type { Awaitable } from '../types/store.js';
import { asApiError, purchaseFrom, topUpFrom } from './bodies.js';
import { tokenOf } from './viewer.js';
import { passToWire, remainingToWire } from './wire.js';

/** Options of `passesApi`. */
export interface PassesApiOptions {
  /**
   * Decides who may create, list, top up and end passes, with the action `read` or `write`: true admits the caller, anything else
   * is answered with 403; throw an error with `status: 401` for 401. Required. `/me/pass` is open to everyone.
   */
  authorize: { call(req: NodeRequest, action: 'read' | 'write'): boolean | Promise<boolean> }['call'];
  /**
   * Whose pass `/me/pass` shows: what `owner` of `passPolicy` returns for the same viewer. Default: the token, from the URL or a
   * cookie.
   */
  viewer?: { call(req: NodeRequest): Awaitable<string | undefined> }['call'] | undefined;
}

/** A Connect-style handler that also works on its own: without `next`, it answers unknown paths with 404. */
export type PassesApiHandler = (req: NodeRequest, res: NodeResponse, next?: (error?: unknown) => void) => void;

interface Call {
  readonly book: PassBook;
  readonly req: NodeRequest;
  readonly query: URLSearchParams;
  /** What the path names. */
  readonly id: string;
}

interface Reply {
  readonly status?: number;
  readonly body: unknown;
}

interface Route {
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, (call: Call) => Promise<Reply>>>;
}

const ROUTES: readonly Route[] = [
  { path: /^\/passes$/, methods: { GET: list, POST: create } },
  { path: /^\/passes\/([^/]+)$/, methods: { GET: get, DELETE: end } },
  { path: /^\/passes\/([^/]+)\/top-up$/, methods: { POST: topUp } },
];

/**
 * The REST API of a book: `GET|POST /passes`, `GET|DELETE /passes/:id`, `POST /passes/:id/top-up`, and `GET /me/pass` for
 * viewers. JSON. Other paths are passed on.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.use('/api', passesApi(book, { authorize: (req) => req.user?.isAdmin === true }));
 */
export function passesApi(book: PassBook, options: PassesApiOptions): PassesApiHandler {
  if (accountsOf(book) === undefined) throw badOption('passesApi(): the first argument', 'a book of passBook()', book);
  checkOptions('passesApi()', options, ['authorize', 'viewer']);
  const { authorize, viewer } = options;
  if (typeof authorize !== 'function')
    throw badOption('authorize', 'a function that says who may use the API', authorize);
  if (viewer !== undefined && typeof viewer !== 'function') throw badOption('viewer', 'a function', viewer);

  async function mine(req: NodeRequest, res: NodeResponse, query: string): Promise<void> {
    if (req.method !== 'GET' && req.method !== 'HEAD') throw notAllowed(['GET']);
    const owner = await (viewer === undefined ? tokenOf(req, query) : viewer(req));
    if (!owner) throw unauthorized('Whose pass? Send your token.');
    const left = await book.remaining(owner);
    if (left === undefined) throw notFound('There is no pass that can be used.');
    sendJson(req, res, 200, remainingToWire(left, Date.now()));
  }

  async function serve(
    req: NodeRequest,
    res: NodeResponse,
    { methods }: Route,
    name: string,
    query: string,
  ): Promise<void> {
    const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
    await checkAccess(req, method === 'GET' ? 'read' : 'write', authorize);
    const operation = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (operation === undefined) throw notAllowed(Object.keys(methods));
    const reply = await operation({ book, req, query: new URLSearchParams(query), id: decoded(name) });
    sendJson(req, res, reply.status ?? 200, reply.body);
  }

  return (req, res, next) => {
    const { path, query } = targetOf(req);
    const failed = (error: unknown): void => sendError(req, res, asApiError(error));
    if (path === '/me/pass') return void mine(req, res, query).catch(failed);
    for (const route of ROUTES) {
      const match = route.path.exec(path);
      if (match !== null) return void serve(req, res, route, match[1] ?? '', query).catch(failed);
    }
    if (next === undefined) failed(notFound('Not found.'));
    else next();
  };
}

async function create({ book, req }: Call): Promise<Reply> {
  const { owner, terms } = purchaseFrom(await readObject(req));
  return { status: 201, body: passToWire(await book.create(owner, terms, keyOf(req))) };
}

async function list({ book, query }: Call): Promise<Reply> {
  const owner = query.get('owner');
  if (!owner) throw invalidQuery('owner: whose passes? It is required.');
  const passes = await book.list(owner);
  return { body: { passes: passes.map(passToWire) } };
}

async function get({ book, id }: Call): Promise<Reply> {
  const pass = await book.get(id);
  if (pass === undefined) throw notFound('There is no such pass.');
  return { body: passToWire(pass) };
}

async function end({ book, id }: Call): Promise<Reply> {
  return { body: passToWire(await book.end(id)) };
}

async function topUp({ book, req, id }: Call): Promise<Reply> {
  return { body: passToWire(await book.topUp(id, topUpFrom(await readObject(req)), keyOf(req))) };
}

/** The key that makes it safe to repeat the request. */
function keyOf({ headers }: NodeRequest): { key?: string } {
  const key = headers['idempotency-key'];
  if (Array.isArray(key)) throw invalidBody('Idempotency-Key is given twice.');
  return key === undefined ? {} : { key };
}

/** The path without a trailing slash, and the query without its `?`. Express has removed the mount path. */
function targetOf({ url = '/' }: NodeRequest): { path: string; query: string } {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  return { path: path.replace(/(?<=.)\/$/, ''), query: at < 0 ? '' : url.slice(at + 1) };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw notFound('There is no such pass.');
  }
}

function notAllowed(methods: readonly string[]): ApiError {
  const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return new ApiError(405, 'METHOD_NOT_ALLOWED', `Allowed: ${allow}.`, { Allow: allow });
}
