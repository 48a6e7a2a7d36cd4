import type { SessionTracker } from '@stream-sessions/core';

/** Whether somebody keeps this stream awake: one row is looked at, however many are watching. */
export const isWatching = (tracker: SessionTracker, stream: string): boolean =>
  tracker.list({ stream, status: 'active', kind: ['viewer', 'output'], limit: 1 }).length > 0;

/** The number of sessions that keep each stream awake: viewers and outputs. Publishers and `unspecified` sessions do not. */
export function watchers(tracker: SessionTracker): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { stream, kind, active } of tracker.stats().activeBy) {
    if (kind === 'viewer' || kind === 'output') counts.set(stream, (counts.get(stream) ?? 0) + active);
  }
  return counts;
}
