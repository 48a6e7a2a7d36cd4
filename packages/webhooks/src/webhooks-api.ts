import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import type { DeadLetter, EndpointStatus, Webhooks } from './types.js';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** A Connect-style handler that also works alone: without `next`, it answers unknown paths with 404. */
export type WebhooksApiHandler = (req: Request, res: Response, next?: (error?: unknown) => void) => void;

/** Options of `webhooksApi()`. */
export interface WebhooksApiOptions {
  /**
   * Decides who may use it: true lets in, anything else is answered 403. `read` is GET and HEAD, `write` everything else.
   * There is no default: who may send is who may see what was sent.
   */
  readonly authorize: { call(req: Request, action: 'read' | 'write'): boolean | Promise<boolean> }['call'];
}

interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

type Operation = (webhooks: Webhooks, name: string) => Reply | Promise<Reply>;

const NOT_FOUND: Reply = { status: 404, body: { error: { code: 'NOT_FOUND', message: 'There is no such thing.' } } };
const done = (isDone: boolean): Reply => (isDone ? { status: 204 } : NOT_FOUND);

const ROUTES: readonly { readonly path: RegExp; readonly methods: Readonly<Record<string, Operation>> }[] = [
  { path: /^\/endpoints$/, methods: { GET: listEndpoints } },
  { path: /^\/endpoints\/([^/]+)\/test$/, methods: { POST: test } },
  { path: /^\/endpoints\/([^/]+)\/enable$/, methods: { POST: (webhooks, name) => done(webhooks.enable(name)) } },
  { path: /^\/dead-letters$/, methods: { GET: listDeadLetters } },
  { path: /^\/dead-letters\/([^/]+)\/resend$/, methods: { POST: (webhooks, id) => done(webhooks.resend(id)) } },
];

/**
 * The state of webhooks as JSON: `GET /endpoints`, `POST /endpoints/:name/test|enable`, `GET /dead-letters`,
 * `POST /dead-letters/:id/resend`. Other paths are passed on.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.use('/api/webhooks', webhooksApi(webhooks, { authorize }));
 */
export function webhooksApi(webhooks: Webhooks, options: WebhooksApiOptions): WebhooksApiHandler {
  checkOptions('webhooksApi()', options, ['authorize']);
  const { authorize } = options;
  if (typeof authorize !== 'function') throw badOption('authorize', 'a function that says who may use it', authorize);

  async function answer(req: Request, methods: Readonly<Record<string, Operation>>, name: string): Promise<Reply> {
    const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
    const isAllowed = await authorize(req, method === 'GET' ? 'read' : 'write');
    if (isAllowed !== true) return errorOf(403, 'FORBIDDEN', 'You are not allowed to do this.');
    const operation = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (operation === undefined)
      return errorOf(405, 'METHOD_NOT_ALLOWED', `Allowed: ${Object.keys(methods).join(', ')}.`);
    return operation(webhooks, name);
  }

  return (req, res, next) => {
    const found = findRoute(req.url ?? '');
    if (found === undefined) {
      if (next === undefined) send(req, res, NOT_FOUND);
      else next();
      return;
    }
    answer(req, found.methods, found.name).then(
      (reply) => send(req, res, reply),
      (error: unknown) => send(req, res, replyTo(error)),
    );
  };
}

function findRoute(url: string) {
  const [path = ''] = url.split('?', 1);
  for (const { path: pattern, methods } of ROUTES) {
    const match = pattern.exec(path);
    if (match === null) continue;
    try {
      return { methods, name: decodeURIComponent(match[1] ?? '') };
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** Of one that does not say so, nothing is told. */
function replyTo(error: unknown): Reply {
  const status = (error as { status?: unknown } | null)?.status;
  if (status === 401) return errorOf(401, 'UNAUTHORIZED', 'Authentication required.');
  if (status === 403) return errorOf(403, 'FORBIDDEN', 'You are not allowed to do this.');
  return errorOf(500, 'INTERNAL', 'Internal server error.');
}

const errorOf = (status: number, code: string, message: string): Reply => ({
  status,
  body: { error: { code, message } },
});

function send(req: Request, res: Response, { status, body }: Reply): void {
  if (res.headersSent) return;
  res.statusCode = status;
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  const end = (text?: string): unknown => (res as { end(text?: string): unknown }).end(text);
  if (body === undefined) return void end();
  const text = JSON.stringify(body);
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  if (req.method === 'HEAD') end();
  else end(text);
}

const iso = (at: number): string => new Date(at).toISOString();

function listEndpoints(webhooks: Webhooks): Reply {
  const endpoints = webhooks.endpoints().map((status: EndpointStatus) => ({
    name: status.name,
    host: status.host,
    format: status.format,
    disabled: status.isDisabled,
    queued: status.queued,
    delivered_total: status.delivered,
    failed_total: status.failed,
    ...(status.lastError === undefined
      ? {}
      : { last_error: { at: iso(status.lastError.at), message: status.lastError.error } }),
  }));
  return { status: 200, body: { endpoints, dropped_total: webhooks.dropped } };
}

/** So many are shown, the latest first. */
const MAX_SHOWN = 1000;

function listDeadLetters(webhooks: Webhooks): Reply {
  const all = webhooks.deadLetters();
  const letters = all.slice(-MAX_SHOWN).reverse();
  const shown = letters.map(({ id, endpoint, type, occurredAt, givenUpAt, error }: DeadLetter) => ({
    id,
    endpoint,
    type,
    occurred_at: iso(occurredAt),
    given_up_at: iso(givenUpAt),
    error,
  }));
  return { status: 200, body: { dead_letters: shown, total_count: all.length } };
}

async function test(webhooks: Webhooks, name: string): Promise<Reply> {
  const attempt = await webhooks.test(name);
  if (attempt === undefined) return NOT_FOUND;
  const { status, error } = attempt;
  return { status: 200, body: { ok: error === undefined, status, error } };
}
