import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers with JSON, or with an empty body. */
export function answer(res: ServerResponse, status: number, body?: object): void {
  res.statusCode = status;
  res.setHeader('Cache-Control', 'no-store');
  if (body === undefined) return void res.end();
  const text = JSON.stringify(body);
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

/**
 * Lets pages of these origins read the response. Without cookies: a page is authenticated by its key, not by who its viewer is
 * elsewhere.
 */
export function allowOrigin(req: IncomingMessage, res: ServerResponse, origins: '*' | readonly string[]): void {
  const { origin } = req.headers;
  if (origins === '*') res.setHeader('Access-Control-Allow-Origin', '*');
  else {
    res.setHeader('Vary', 'Origin');
    if (origin !== undefined && origins.includes(origin)) res.setHeader('Access-Control-Allow-Origin', origin);
  }
  if (req.method !== 'OPTIONS') return;
  res.setHeader('Access-Control-Allow-Methods', 'POST');
  res.setHeader('Access-Control-Allow-Headers', 'Content-Type');
  res.setHeader('Access-Control-Max-Age', 7_200);
}
