import type { Clock, PlaySession, SessionDirectory, TrackerEvents } from '@stream-sessions/core';

type Emit = <E extends keyof TrackerEvents>(name: E, event: Partial<TrackerEvents[E]>) => void;

/** A directory with made-up sessions: its list is `live`. */
export type MadeUpDirectory = SessionDirectory & { emit: Emit; live: PlaySession[] };

export function madeUpDirectory(): MadeUpDirectory {
  const listeners = new Map<string, ((event: never) => void)[]>();
  const nothing = (): never => {
    throw new Error('This directory only tells what it is told to.');
  };
  const verbs = 'count get streams stats kick kickAll tag deny liftDenial denials explain invalidate reauthorize';
  const directory = {
    ...Object.fromEntries(verbs.split(' ').map((verb) => [verb, nothing])),
    live: [] as PlaySession[],
    list: () => directory.live,
    on(name: string, listener: (event: never) => void) {
      const all = listeners.get(name) ?? [];
      listeners.set(name, [...all, listener]);
      return () =>
        listeners.set(
          name,
          (listeners.get(name) ?? []).filter((other) => other !== listener),
        );
    },
    emit(name: string, event: object) {
      for (const listener of listeners.get(name) ?? []) (listener as (event: object) => void)(event);
    },
  };
  return directory as unknown as MadeUpDirectory;
}

/** A session of a viewer of `cam1` over HLS. */
export const madeUpSession = (over: Partial<PlaySession> = {}): PlaySession => ({
  id: '0123456789abcdef',
  kind: 'viewer',
  stream: 'cam1',
  streams: ['cam1'],
  protocol: 'hls',
  protocols: ['hls'],
  ip: '203.0.113.7',
  ips: ['203.0.113.7'],
  userAgent: 'VLC/3.0.20 LibVLC/3.0.20',
  userName: 'ann',
  namedBy: 'token',
  country: 'DE',
  bytes: 0,
  bytesReceived: 0,
  secure: true,
  dvr: false,
  connections: 0,
  openedAt: START,
  updatedAt: START,
  durationMs: 0,
  tags: {},
  ...over,
});

/** When made-up sessions open: a quarter of an hour before midnight, in UTC and at the end of a month. */
export const START = Date.UTC(2026, 2, 31, 23, 45);

/** Real timers, and a time set by the test. */
export function setClock(now = START): Clock & { set(at: number): void } {
  return {
    now: () => now,
    set: (at) => (now = at),
    setTimeout: (fn, ms) => setTimeout(fn, Math.min(ms, 0x7fffffff)).unref(),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };
}
