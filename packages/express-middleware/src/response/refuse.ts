import type { Denial, DenialKind } from '@stream-sessions/core';
import { denialStatus } from '@stream-sessions/core/spi';
import type { PlaybackResponse } from '../connect.js';

const TEXTS: Readonly<Record<DenialKind, string>> = {
  credentials: 'Unauthorized: valid credentials are required to watch this stream.\n',
  forbidden: 'Forbidden: you are not allowed to watch this stream now.\n',
  limit: 'Too Many Requests: too many simultaneous streams.\n',
  overload: 'Service Unavailable: the server is at capacity. Try again later.\n',
};

/** Answers a refused viewer: the status by the denial's kind, when to come back, and nothing that tells why. */
export function refuse(res: PlaybackResponse, denial: Denial): void {
  const status = denialStatus(denial);
  if (status === 401) res.setHeader('WWW-Authenticate', 'Bearer');
  // A denial that is not remembered says nothing about when: a second keeps a player from hammering.
  const seconds = Math.max(1, Math.ceil((denial.until - Date.now()) / 1000));
  if (Number.isFinite(seconds)) res.setHeader('Retry-After', seconds);
  answer(res, status, TEXTS[denial.kind] ?? TEXTS.forbidden);
}

/** Answers a media request that file servers would not read alike. */
export function refuseUnreadable(res: PlaybackResponse): void {
  answer(res, 400, 'Bad Request: invalid media path.\n');
}

/** Answers a request for a file of no stream, while a policy authorises: it could not be asked about one. */
export function refuseNameless(res: PlaybackResponse): void {
  answer(res, 403, 'Forbidden: this file belongs to no stream.\n');
}

/** Answers a method by which a handler that does not look at it would send media uncounted. */
export function refuseMethod(res: PlaybackResponse): void {
  res.setHeader('Allow', 'GET, HEAD, OPTIONS');
  answer(res, 405, 'Method Not Allowed: use GET to play media.\n');
}

function answer(res: PlaybackResponse, status: number, text: string): void {
  res.statusCode = status;
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  (res as { end(text: string): unknown }).end(text);
}
