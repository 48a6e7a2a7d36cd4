import { STATUS_CODES, type ServerResponse } from 'node:http';
import Negotiator from 'negotiator';
import vary from 'vary';
import type { PlaybackRequest, PlaybackResponse } from '../connect.js';

/** Why a player gets no media. */
export interface Problem {
  readonly status: number;
  /** One word, for programs. */
  readonly reason: string;
  /** A sentence for people, beginning in lower case. */
  readonly detail: string;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
  readonly remaining?: Readonly<Record<string, number>> | undefined;
  readonly conflicts?: readonly Readonly<Record<string, unknown>>[] | undefined;
}

const TEXT = 'text/plain; charset=utf-8';
const PROBLEM = 'application/problem+json';
/** The first is for clients without a preference. */
const TYPES = [TEXT, PROBLEM, 'application/json'];
/** Longer than any player's: parsing it would cost more than everything else. */
const MAX_ACCEPT_LENGTH = 256;

/** Answers with the problem in the form that the client prefers: a line of text, or JSON according to RFC 9457. */
export function explain(req: PlaybackRequest, res: PlaybackResponse, problem: Problem): void {
  const title = STATUS_CODES[problem.status] ?? 'Error';
  vary(res as ServerResponse, 'Accept');
  if (wantsJson(req)) return answer(res, problem.status, PROBLEM, JSON.stringify(asJson(problem, title)));
  return answer(res, problem.status, TEXT, `${title}: ${problem.detail}\n`);
}

/** Most players accept anything, and a flood of refused requests should not cost more than necessary. */
function wantsJson({ headers }: PlaybackRequest): boolean {
  const { accept } = headers;
  if (accept === undefined || accept === '*/*' || accept.length > MAX_ACCEPT_LENGTH) return false;
  return (new Negotiator({ headers }).mediaType(TYPES) ?? TEXT) !== TEXT;
}

/** `about:blank`: it means what the status means, and `reason` says more. Absent members are left out. */
const asJson = ({ status, reason, detail, retryAfter, remaining, conflicts }: Problem, title: string) => ({
  type: 'about:blank',
  title,
  status,
  reason,
  detail: detail.charAt(0).toUpperCase() + detail.slice(1),
  retry_after: retryAfter,
  remaining,
  conflicts,
});

function answer(res: PlaybackResponse, status: number, type: string, text: string): void {
  res.statusCode = status;
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', type);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  (res as { end(text: string): unknown }).end(text);
}
