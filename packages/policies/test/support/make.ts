import {
  createTracker,
  type Admission,
  type ConnHit,
  type Denial,
  type HttpHit,
  type Policy,
  type PlaySession,
  type SessionTracker,
  type TrackerOptions,
} from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';

export const hit = (over: Partial<HttpHit> = {}): HttpHit => ({
  stream: 'cam1',
  protocol: 'hls',
  ip: '203.0.113.7',
  userAgent: 'player/1.0',
  ...over,
});

export const conn = (over: Partial<ConnHit> = {}): ConnHit => ({
  stream: 'cam1',
  protocol: 'rtmp',
  remoteAddress: '203.0.113.7:50000',
  ...over,
});

export interface World {
  clock: FakeClock;
  tracker: SessionTracker;
  /** What was logged, as one text: no token may be in it. */
  log: string[];
}

const trackers: SessionTracker[] = [];
export const stopAll = async (): Promise<void> => {
  await Promise.all(trackers.splice(0).map((tracker) => tracker.stop()));
};

/** A tracker with these policies, on a clock of its own. */
export function world(policies: Policy[], options: TrackerOptions = {}): World {
  const clock = fakeClock();
  const log: string[] = [];
  const write = (details: object, message: string): void =>
    void log.push(`${message} ${JSON.stringify(details)} ${String((details as { err?: unknown }).err)}`);
  const logger = { debug: write, info: write, warn: write, error: write };
  const tracker = createTracker({ clock, logger, policies, ...options });
  trackers.push(tracker);
  return { clock, tracker, log };
}

export type Answer = Admission<{ readonly session: PlaySession | undefined }>;

export const ask = async (tracker: SessionTracker, over: Partial<HttpHit> = {}): Promise<Answer> => {
  const admission = await tracker.admit(hit(over));
  if (admission.admitted) admission.handle.end();
  return admission;
};

export const connect = async (tracker: SessionTracker, over: Partial<ConnHit> = {}) => await tracker.admit(conn(over));

/** The session that a viewer was let into; fails if it was refused. */
export function sessionOf(answer: Answer): PlaySession {
  if (!answer.admitted) throw new Error(`refused: ${answer.denial.reason} ${answer.denial.detail ?? ''}`);
  if (answer.handle.session === undefined) throw new Error('nothing is tracked');
  return answer.handle.session;
}

/** Why a viewer was refused; fails if it was let in. */
export function denialOf(answer: Answer): Denial {
  if (answer.admitted) throw new Error('let in');
  return answer.denial;
}

export const live = (tracker: SessionTracker): PlaySession[] => tracker.list({ status: 'active' });
