import { createTracker, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';

/** A tracker with viewers: `{ cam1: 3 }` are three of cam1. */
export function trackerWith(viewers: Readonly<Record<string, number>>, options: TrackerOptions = {}): SessionTracker {
  const tracker = createTracker(options);
  for (const [stream, count] of Object.entries(viewers)) watch(tracker, stream, count);
  return tracker;
}

export function watch(tracker: SessionTracker, stream: string, count: number): void {
  for (let i = 0; i < count; i++) {
    tracker.trackHttp({
      stream,
      protocol: 'hls',
      ip: `10.0.${i >> 8}.${i & 255}`,
      userAgent: 'secret-agent',
      bytes: 5,
    });
  }
}
