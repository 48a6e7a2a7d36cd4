import {
  createTracker,
  type Admission,
  type ConnHandle,
  type ConnHit,
  type Denial,
  type HttpHit,
  type Logger,
  type PendingAdmission,
  type PlaySession,
  type RequestHandle,
  type SessionTracker,
  type TrackerEvents,
  type TrackerOptions,
} from '../../src/index.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';

/** A viewer's request, as an HTTP adapter reports it. */
export const hit = (over: Partial<HttpHit> = {}): HttpHit => ({
  stream: 'cam1',
  protocol: 'hls',
  ip: '203.0.113.7',
  userAgent: 'player/1.0',
  ...over,
});

/** A connection, as an RTMP adapter reports it. */
export const conn = (over: Partial<ConnHit> = {}): ConnHit => ({
  stream: 'cam1',
  protocol: 'rtmp',
  remoteAddress: '203.0.113.7:50000',
  ...over,
});

export interface Logged {
  level: keyof Logger;
  details: Record<string, unknown>;
  message: string;
}

export interface Setup {
  clock: FakeClock;
  tracker: SessionTracker;
  logged: Logged[];
}

/** A tracker on a clock of its own whose log is kept. */
export function setup(options: TrackerOptions = {}): Setup {
  const clock = fakeClock();
  const logged: Logged[] = [];
  const log =
    (level: keyof Logger) =>
    (details: object, message: string): void =>
      void logged.push({ level, details: details as Record<string, unknown>, message });
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  return { clock, logged, tracker: createTracker({ clock, logger, fingerprintKey: 'test', ...options }) };
}

type Asked<H> = Admission<H> | PendingAdmission<H>;

/** The admission of a synchronous `admit`; fails when it is pending. */
export function now<H>(asked: Asked<H>): Admission<H> {
  if ('then' in asked) throw new Error('the admission is pending');
  return asked;
}

/** The pending admission; fails when it was answered at once. */
export function pending<H>(asked: Asked<H>): PendingAdmission<H> {
  if (!('then' in asked)) throw new Error('the admission was answered at once');
  return asked;
}

export function letIn<H>(admission: Admission<H>): H {
  if (!admission.admitted) throw new Error(`refused: ${admission.denial.reason} ${admission.denial.detail ?? ''}`);
  return admission.handle;
}

export function refusal<H>(admission: Admission<H>): Denial {
  if (admission.admitted) throw new Error('it was let in');
  return admission.denial;
}

/** Asks for a request and expects a yes at once. */
export const request = (tracker: SessionTracker, over: Partial<HttpHit> = {}): RequestHandle =>
  letIn(now(tracker.admit(hit(over))));

/** Asks for a connection and expects a yes at once. */
export const connect = (tracker: SessionTracker, over: Partial<ConnHit> = {}): ConnHandle =>
  letIn(now(tracker.admit(conn(over))));

/** True when the request is let in at once. The request ends at once, too. */
export function mayRequest(tracker: SessionTracker, over: Partial<HttpHit> = {}): boolean {
  const admission = now(tracker.admit(hit(over)));
  if (admission.admitted) admission.handle.end();
  return admission.admitted;
}

/** True when the connection is let in at once; it then stays open. */
export const mayConnect = (tracker: SessionTracker, over: Partial<ConnHit> = {}): boolean =>
  now(tracker.admit(conn(over))).admitted;

export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('there is nothing');
  return value;
}

export const live = (tracker: SessionTracker): PlaySession[] => tracker.list({ status: 'active' });

/** Everything the tracker tells, as short lines in the order it was told. */
export function story(tracker: SessionTracker): string[] {
  const lines: string[] = [];
  tracker.on('opened', ({ session }) => lines.push(`opened ${session.id}`));
  tracker.on('updated', ({ session }) => lines.push(`updated ${session.id} ${session.bytes}`));
  tracker.on('closed', ({ session, reason }) => lines.push(`closed ${session.id} ${reason} ${session.bytes}`));
  tracker.on('denied', ({ denial }) => lines.push(`denied ${denial.by} ${denial.reason}`));
  return lines;
}

export function eventsOf<E extends keyof TrackerEvents>(tracker: SessionTracker, name: E): TrackerEvents[E][] {
  const events: TrackerEvents[E][] = [];
  tracker.on(name, (event) => events.push(event));
  return events;
}

/** Lets every promise that can go on go on. */
export const settleAll = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** A promise to be answered by hand. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}
