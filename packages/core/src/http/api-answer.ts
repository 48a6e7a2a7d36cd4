import type { NodeRequest, NodeResponse } from './node-http.js';

/** What a request is answered when it cannot be done. The message is for the caller; it never shows what they sent in secret. */
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

/** 400: the query says something that it cannot. */
export const invalidQuery = (message: string): ApiError => new ApiError(400, 'INVALID_QUERY', message);
/** 400: the body does. */
export const invalidBody = (message: string): ApiError => new ApiError(400, 'INVALID_BODY', message);
/** 404. */
export const notFound = (what: string): ApiError => new ApiError(404, 'NOT_FOUND', what);

/** For no cache, no page of another origin, and no address bar's `Referer`. */
export function keepPrivate(res: NodeResponse): void {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
}

/** Answers with JSON; undefined is 204. */
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

/** Answers with the error; one that is not ours tells nothing about itself. */
export function sendError(req: NodeRequest, res: NodeResponse, error: unknown): void {
  const known = error instanceof ApiError ? error : new ApiError(500, 'INTERNAL', 'Internal server error.');
  for (const [name, value] of Object.entries(known.headers)) {
    // HTTP/2 has no header for it, and resets the stream by itself
    if (!res.headersSent && (name !== 'Connection' || req.httpVersionMajor < 2)) res.setHeader(name, value);
  }
  sendJson(req, res, known.status, { error: { code: known.code, message: known.message } });
}
