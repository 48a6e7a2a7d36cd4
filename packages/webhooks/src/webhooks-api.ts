import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  ApiError,
  badOption,
  checkAccess,
  checkOptions,
  notFound,
  sendError,
  sendJson,
} from '@stream-sessions/core/spi';
import type { DeadLetter, EndpointStatus, Webhooks } from './types.js';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** A Connect-style handler that also works on its own: without `next`, it answers unknown paths with 404. */
export type WebhooksApiHandler = (req: Request, res: Response, next?: (error?: unknown) => void) => void;

/** Options of `webhooksApi()`. */
export interface WebhooksApiOptions {
  /**
   * Decides who may use it: true grants access, anything else is answered with 403. `read` is GET and HEAD, `write` everything
   * else. There is no default: whoever may send can also see what was sent.
   */
  readonly authorize: { call(req: Request, action: 'read' | 'write'): boolean | Promise<boolean> }['call'];
}

/** Performs the operation and returns the response body; undefined is 204. */
type Operation = (webhooks: Webhooks, name: string) => unknown;

const nothing = (): ApiError => notFound('There is no such thing.');
const done = (isDone: boolean): void => {
  if (!isDone) throw nothing();
};

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

  async function answer(req: Request, methods: Readonly<Record<string, Operation>>, name: string): Promise<unknown> {
    const method = req.method === 'HEAD' ? 'GET' : (req.method ?? '');
    await checkAccess(req, method === 'GET' ? 'read' : 'write', authorize);
    const operation = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (operation !== undefined) return operation(webhooks, name);
    const allowed = Object.keys(methods)
      .flatMap((known) => (known === 'GET' ? ['GET', 'HEAD'] : known))
      .join(', ');
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', `Allowed: ${allowed}.`, { Allow: allowed });
  }

  return (req, res, next) => {
    const found = findRoute(req.url ?? '');
    if (found === undefined) {
      if (next === undefined) sendError(req, res, nothing());
      else next();
      return;
    }
    answer(req, found.methods, found.name).then(
      (body) => sendJson(req, res, body === undefined ? 204 : 200, body),
      (error: unknown) => sendError(req, res, error),
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

const iso = (at: number): string => new Date(at).toISOString();

function listEndpoints(webhooks: Webhooks): object {
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
  return { endpoints, dropped_total: webhooks.dropped };
}

/** The number shown, most recent first. */
const MAX_SHOWN = 1000;

function listDeadLetters(webhooks: Webhooks): object {
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
  return { dead_letters: shown, total_count: all.length };
}

async function test(webhooks: Webhooks, name: string): Promise<object> {
  const attempt = await webhooks.test(name);
  if (attempt === undefined) throw nothing();
  const { status, error } = attempt;
  return { ok: error === undefined, status, error };
}
