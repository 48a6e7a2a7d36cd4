import { StreamSessionsError } from '@stream-sessions/core';
import {
  ApiError,
  badOption,
  checkAccess,
  checkOptions,
  invalidQuery,
  type NodeRequest,
  type NodeResponse,
  notFound,
  oneOf,
  rowLimit,
  sendError,
  sendJson,
} from '@stream-sessions/core/spi';
import { BadStep } from '../query/bad-step.js';
import { STREAM_ORDERS } from '../query/figures.js';
import type { History } from '../types/history.js';
import { sendExport } from './export.js';
import { badStep, EXPORT_NAMES, FILTER_NAMES, filterFrom, onlyNames, stepFrom, timeFrom } from './query.js';
import { broadcastToWire, pointToWire, streamToWire, summaryToWire, visitToWire } from './wire.js';

/** Options of `historyApi()`. */
export interface HistoryApiOptions {
  /**
   * Decides who may read and, with the action `write`, who may erase a user: true admits the caller, anything else is answered
   * with 403; throw an error with `status: 401` for 401. Required.
   */
  readonly authorize: { call(req: NodeRequest, action: 'read' | 'write'): boolean | Promise<boolean> }['call'];
}

/** A Connect-style handler that also works on its own: without `next`, it answers unknown paths with 404. */
export type HistoryApiHandler = (req: NodeRequest, res: NodeResponse, next?: (error?: unknown) => void) => void;

interface Call {
  readonly history: History;
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  readonly query: URLSearchParams;
  /** What the path names. */
  readonly name: string;
}

/** Undefined: it has responded itself. */
type Operation = (call: Call) => Promise<object | undefined>;

const ROUTES: readonly { readonly path: RegExp; readonly methods: Readonly<Record<string, Operation>> }[] = [
  { path: /^\/visits$/, methods: { GET: listVisits } },
  { path: /^\/visits\.(ndjson|csv)$/, methods: { GET: exportVisits } },
  { path: /^\/visits\/([^/]+)$/, methods: { GET: getVisit } },
  { path: /^\/summary$/, methods: { GET: summary } },
  { path: /^\/concurrency$/, methods: { GET: concurrency } },
  { path: /^\/top-streams$/, methods: { GET: topStreams } },
  { path: /^\/broadcasts\/([^/]+)$/, methods: { GET: broadcast } },
  { path: /^\/users\/([^/]+)$/, methods: { GET: exportUser, DELETE: eraseUser } },
];

/**
 * History over HTTP: `GET /visits`, `/visits.ndjson`, `/visits.csv`, `/visits/:id`, `/summary`, `/concurrency`,
 * `/top-streams`, `/broadcasts/:id`, and `GET|DELETE /users/:name`. JSON. Other paths are passed on.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.use('/api/history', historyApi(history, { authorize: (req) => req.user?.isAdmin === true }));
 */
export function historyApi(history: History, options: HistoryApiOptions): HistoryApiHandler {
  checkOptions('historyApi()', options, ['authorize']);
  const { authorize } = options;
  if (typeof authorize !== 'function')
    throw badOption('authorize', 'a function that says who may use the API', authorize);

  async function serve(methods: Readonly<Record<string, Operation>>, call: Omit<Call, 'name'>, name: string) {
    const { req, res } = call;
    const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
    await checkAccess(req, method === 'GET' ? 'read' : 'write', authorize);
    const operation = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (operation === undefined) throw notAllowed(Object.keys(methods));
    const body = await operation({ ...call, name: decoded(name) });
    if (body !== undefined) sendJson(req, res, 200, body);
  }

  return (req, res, next) => {
    const { path, query } = targetOf(req);
    const failed = (error: unknown): void => sendError(req, res, asApiError(error));
    for (const { path: pattern, methods } of ROUTES) {
      const match = pattern.exec(path);
      if (match === null) continue;
      return void serve(methods, { history, req, res, query }, match[1] ?? '').catch(failed);
    }
    if (next === undefined) failed(notFound('Not found.'));
    else next();
  };
}

async function listVisits({ history, query }: Call): Promise<object> {
  onlyNames(query, FILTER_NAMES);
  const { visits, total, next } = await history.visits(filterFrom(query));
  return { visits: visits.map(visitToWire), total_count: total, ...(next === undefined ? {} : { next }) };
}

async function exportVisits({ history, query, req, res, name }: Call): Promise<undefined> {
  onlyNames(query, EXPORT_NAMES);
  await sendExport(req, res, history.exportVisits(filterFrom(query)), name === 'csv' ? 'csv' : 'ndjson');
}

/** By its `visit_id`, or by the id of a session, which means its latest visit. */
async function getVisit({ history, query, name }: Call): Promise<object> {
  onlyNames(query, []);
  const visit = await history.visit(...visitNamed(name));
  if (visit === undefined) throw notFound('There is no such visit.');
  return visitToWire(visit);
}

async function summary({ history, query }: Call): Promise<object> {
  onlyNames(query, ['from', 'to', 'stream']);
  return summaryToWire(await history.summary(timeFrom(query)));
}

async function concurrency({ history, query }: Call): Promise<object> {
  onlyNames(query, ['from', 'to', 'stream', 'step']);
  const stepMs = stepFrom(query);
  const points = await history.concurrency({ ...timeFrom(query), ...(stepMs === undefined ? {} : { stepMs }) });
  return { points: points.map(pointToWire) };
}

async function topStreams({ history, query }: Call): Promise<object> {
  onlyNames(query, ['from', 'to', 'order', 'limit']);
  const [order, limit] = [query.get('order'), query.get('limit')];
  const { from, to } = timeFrom(query);
  const streams = await history.topStreams({
    from,
    to,
    ...(order ? { order: oneOf('order', order, STREAM_ORDERS) } : {}),
    ...(limit ? { limit: rowLimit(limit) } : {}),
  });
  return { streams: streams.map(streamToWire) };
}

async function broadcast({ history, query, name }: Call): Promise<object> {
  onlyNames(query, []);
  const found = await history.broadcast(...visitNamed(name));
  if (found === undefined) throw notFound('There is no such broadcast.');
  return broadcastToWire(found);
}

async function exportUser({ history, query, req, res, name }: Call): Promise<undefined> {
  onlyNames(query, []);
  await sendExport(req, res, history.export({ user: name }), 'ndjson');
}

async function eraseUser({ history, query, name }: Call): Promise<object> {
  onlyNames(query, []);
  return history.erase({ user: name });
}

function visitNamed(name: string): [id: string, openedAt?: number] {
  const [, id, openedAt] = /^(.+)-(\d{12,14})$/.exec(name) ?? [];
  return id === undefined ? [name] : [id, Number(openedAt)];
}

/** Tells the caller what is wrong with the request, but not what the database says. */
function asApiError(error: unknown): unknown {
  if (error instanceof BadStep) return badStep(error);
  if (!(error instanceof StreamSessionsError)) return error;
  return error.code === 'ERR_BAD_OPTION' || error.code === 'ERR_BAD_CURSOR' ? invalidQuery(error.message) : error;
}

/** The path without a trailing slash, and the query. Express has removed the mount path. */
function targetOf({ url = '/' }: NodeRequest): { path: string; query: URLSearchParams } {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  return { path: path.replace(/(?<=.)\/$/, ''), query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)) };
}

function decoded(name: string): string {
  try {
    const text = decodeURIComponent(name);
    if (!text.includes('\0')) return text;
  } catch {
    // not valid text
  }
  throw notFound('There is nothing of this name.');
}

function notAllowed(methods: readonly string[]): ApiError {
  const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return new ApiError(405, 'METHOD_NOT_ALLOWED', `Allowed: ${allow}.`, { Allow: allow });
}
