import type { Denial, DenialKind } from '@stream-sessions/core';
import { conflictToWire, denialStatus } from '@stream-sessions/core/spi';
import type { PlaybackRequest, PlaybackResponse } from '../connect.js';
import { explain, type Problem } from './problem.js';

/** Texts shown instead of a denial's `detail`, which is for operators. */
const TEXTS: Readonly<Record<DenialKind, string>> = {
  credentials: 'valid credentials are required to watch this stream.',
  forbidden: 'you are not allowed to watch this stream now.',
  limit: 'too many simultaneous streams.',
  overload: 'the server is at capacity. Try again later.',
};

/** The same, where the reason is more specific than the kind: something paid for is used up. */
const TEXTS_OF_LIMITS = new Map([
  ['quota_time', 'the time that was paid for is used up.'],
  ['quota_data', 'the data that was paid for is used up.'],
  ['expired', 'what was paid for has expired.'],
  ['no_pass', 'a pass is required to watch this stream.'],
]);

const UNREADABLE: Problem = { status: 400, reason: 'bad_path', detail: 'invalid media path.' };
const NAMELESS: Problem = { status: 403, reason: 'no_stream', detail: 'this file belongs to no stream.' };
const UNKNOWN: Problem = { status: 404, reason: 'no_stream', detail: 'there is no such stream.' };
const ASLEEP = {
  status: 503,
  reason: 'source_asleep',
  detail: 'the source of this stream is being started. Try again.',
  retryAfter: 2,
};
const METHOD: Problem = { status: 405, reason: 'bad_method', detail: 'use GET to play media.' };

/**
 * Answers a refused viewer: the status according to the kind of denial, when to retry, and nothing that only operators should
 * know.
 */
export function refuse(req: PlaybackRequest, res: PlaybackResponse, denial: Denial): void {
  const { kind, reason, remaining, conflicts } = denial;
  const status = denialStatus(denial);
  if (status === 401) res.setHeader('WWW-Authenticate', 'Bearer');
  // A denial that is not remembered does not say when to retry: a second keeps players from hammering.
  const seconds = Math.max(1, Math.ceil((denial.until - Date.now()) / 1000));
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  if (retryAfter !== undefined) res.setHeader('Retry-After', retryAfter);
  // This process is ending: the next request is for another one. HTTP/2 signals this itself.
  if (reason === 'shutdown' && req.httpVersionMajor === 1) res.setHeader('Connection', 'close');
  explain(req, res, {
    status,
    reason,
    detail: (kind === 'limit' ? TEXTS_OF_LIMITS.get(reason) : undefined) ?? TEXTS[kind] ?? TEXTS.forbidden,
    retryAfter,
    remaining,
    conflicts: conflicts?.map(conflictToWire),
  });
}

/** Answers a media request that file servers would read differently. */
export function refuseUnreadable(req: PlaybackRequest, res: PlaybackResponse): void {
  explain(req, res, UNREADABLE);
}

/** Answers a request for a file without a stream, while a policy authorises: there is no stream to judge. */
export function refuseNameless(req: PlaybackRequest, res: PlaybackResponse): void {
  explain(req, res, NAMELESS);
}

/** Answers a request for a stream that does not exist. */
export function refuseNoStream(req: PlaybackRequest, res: PlaybackResponse): void {
  explain(req, res, UNKNOWN);
}

/** Answers a viewer whose stream does not start in time: 404 or 401 would make some players give up for good. */
export function refuseAsleep(req: PlaybackRequest, res: PlaybackResponse): void {
  res.setHeader('Retry-After', ASLEEP.retryAfter);
  explain(req, res, ASLEEP);
}

/** Answers a method with which a handler that ignores methods would send media uncounted. */
export function refuseMethod(req: PlaybackRequest, res: PlaybackResponse): void {
  res.setHeader('Allow', 'GET, HEAD, OPTIONS');
  explain(req, res, METHOD);
}
