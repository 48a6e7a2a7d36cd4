import type { Denial, DenialKind } from '@stream-sessions/core';
import type { PlaybackResponse } from '../connect.js';

const ANSWERS: Readonly<Record<DenialKind, readonly [status: number, text: string]>> = {
  credentials: [401, 'Unauthorized: playing this needs credentials that it did not get.\n'],
  forbidden: [403, 'Forbidden: you may not watch this now.\n'],
  limit: [429, 'Too Many Requests: you have as many players as you may have.\n'],
  overload: [503, 'Service Unavailable: no more viewers fit in.\n'],
};

/** Answers a refused viewer: the status by the denial's kind, when to come back, and nothing that tells why. */
export function refuse(res: PlaybackResponse, denial: Denial): void {
  const [status, text] = ANSWERS[denial.kind] ?? ANSWERS.forbidden;
  if (status === 401) res.setHeader('WWW-Authenticate', 'Bearer');
  // A denial that is not remembered says nothing about when: a second keeps a player from hammering.
  const seconds = Math.max(1, Math.ceil((denial.until - Date.now()) / 1000));
  if (Number.isFinite(seconds)) res.setHeader('Retry-After', seconds);
  answer(res, status, text);
}

/** Answers a media request that file servers would not read alike. */
export function refuseUnreadable(res: PlaybackResponse): void {
  answer(res, 400, 'Bad Request: this is not the path of a media file.\n');
}

/** Answers a request for a file of no stream, while a policy authorises: it could not be asked about one. */
export function refuseNameless(res: PlaybackResponse): void {
  answer(res, 403, 'Forbidden: nothing says which stream this file belongs to.\n');
}

/** Answers a method by which a handler that does not look at it would send media uncounted. */
export function refuseMethod(res: PlaybackResponse): void {
  res.setHeader('Allow', 'GET, HEAD, OPTIONS');
  answer(res, 405, 'Method Not Allowed: media is played by GET.\n');
}

function answer(res: PlaybackResponse, status: number, text: string): void {
  res.statusCode = status;
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  (res as { end(text: string): unknown }).end(text);
}
