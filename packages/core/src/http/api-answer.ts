import type { NodeRequest, NodeResponse } from './node-http.js';

/**
 * The error response to a request that cannot be fulfilled. The message is for the caller and never contains secrets from the
 * request.
 */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** 400: the query is invalid. */
export const invalidQuery = (message: string): ApiError => new ApiError(400, 'INVALID_QUERY', message);
/** 400: the body is invalid. */
export const invalidBody = (message: string): ApiError => new ApiError(400, 'INVALID_BODY', message);
/** 404. */
export const notFound = (what: string): ApiError => new ApiError(404, 'NOT_FOUND', what);

const UNREACHABLE: readonly unknown[] = ['ERR_CLUSTER_ALONE', 'ERR_CLUSTER_LINK'];

/** 503 if this error says that the nodes of a cluster cannot be asked at the moment. */
export function unreachable(error: unknown): ApiError | undefined {
  if (!UNREACHABLE.includes((error as { code?: unknown } | undefined)?.code)) return undefined;
  return new ApiError(503, 'CLUSTER_UNREACHABLE', 'The cluster cannot be reached now. Try again.', {
    'Retry-After': '1',
  });
}

/** Keeps the response out of caches and other origins, and its URL out of `Referer` headers. */
export function keepPrivate(res: NodeResponse): void {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
}

/** Responds with JSON; undefined becomes 204. */
export function sendJson(req: NodeRequest, res: NodeResponse, status: number, body: unknown): void {
  if (res.headersSent || res.writableEnded) return;
  res.statusCode = status;
  keepPrivate(res);
  const finish = res as { end(text?: string): unknown };
  if (body === undefined) return void finish.end();
  const text = JSON.stringify(body);
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  if (req.method === 'HEAD') finish.end();
  else finish.end(text);
}

/** Responds with the error; one that is not an `ApiError` reveals nothing about itself. */
export function sendError(req: NodeRequest, res: NodeResponse, error: unknown): void {
  const known = error instanceof ApiError ? error : new ApiError(500, 'INTERNAL', 'Internal server error.');
  for (const [name, value] of Object.entries(known.headers)) {
    // HTTP/2 has no such header, and resets the stream itself
    if (!res.headersSent && (name !== 'Connection' || req.httpVersionMajor < 2)) res.setHeader(name, value);
  }
  sendJson(req, res, known.status, { error: { code: known.code, message: known.message } });
}
