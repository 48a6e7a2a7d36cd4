import {
  createTracker,
  type Denial,
  type HttpHit,
  type PlaySession,
  type RequestHandle,
  type SessionTracker,
  type TrackerOptions,
} from '@stream-sessions/core';
import { type FakeClock, fakeClock } from '@stream-sessions/core/testing';
import { type PassBook, passBook, type PassBookOptions, passPolicy, type PassPolicyOptions } from '../../src/index.js';

/** A tracker with passes, and a clock that moves when it is told to. */
export interface Theatre {
  readonly clock: FakeClock;
  readonly book: PassBook;
  readonly tracker: SessionTracker;
  readonly start: number;
  /** Seconds since the start. */
  seconds(): number;
}

const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}

export function theatre(
  book: PassBookOptions = {},
  policy: PassPolicyOptions = {},
  options: TrackerOptions = {},
): Theatre {
  const clock = fakeClock();
  const start = clock.now();
  const made = passBook({ clock, logger, ...book });
  const tracker = createTracker({ clock, logger, policies: [passPolicy(made, policy)], ...options });
  return { clock, book: made, tracker, start, seconds: () => (clock.now() - start) / 1000 };
}

export const hit = (over: Partial<HttpHit> = {}): HttpHit => ({
  stream: 'cam1',
  protocol: 'hls',
  ip: '203.0.113.7',
  token: 'ann',
  ...over,
});

/** Asks; what came of it, and the request's handle if it was let in. */
export function ask(tracker: SessionTracker, over: Partial<HttpHit> = {}): RequestHandle | Denial {
  const admission = tracker.admit(hit(over));
  if ('then' in admission) throw new Error('not answered at once');
  return admission.admitted ? admission.handle : admission.denial;
}

export const isLetIn = (answer: RequestHandle | Denial): answer is RequestHandle => 'touch' in answer;

/** One segment of so many bytes. Returns 200, or why it is refused. */
export function segment(tracker: SessionTracker, bytes = 1_000, over: Partial<HttpHit> = {}): 200 | string {
  const answer = ask(tracker, over);
  if (!isLetIn(answer)) return answer.reason;
  answer.end(bytes);
  return 200;
}

/** Fetches a segment every so many milliseconds until it is refused or the time is over; says when it was refused, in seconds. */
export function watch(
  { tracker, clock, seconds }: Theatre,
  forMs: number,
  { everyMs = 2_000, bytes = 1_000, ...over }: Partial<HttpHit> & { everyMs?: number; bytes?: number } = {},
): { refusedAt: number; reason: string } | undefined {
  for (let ms = 0; ms < forMs; ms += everyMs) {
    const answer = segment(tracker, bytes, over);
    if (answer !== 200) return { refusedAt: seconds(), reason: answer };
    clock.advance(Math.min(everyMs, forMs - ms));
  }
  return undefined;
}

/** The latest visit of a viewer. */
export function visit(tracker: SessionTracker): PlaySession {
  const [latest] = tracker.list({ visits: 'all', order: '-openedAt' });
  if (latest === undefined) throw new Error('nobody was here');
  return latest;
}
