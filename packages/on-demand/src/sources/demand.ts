import type { SessionTracker } from '@stream-sessions/core';

/** How many watch each stream: viewers and outputs. Publishers and those who should not be counted keep no source awake. */
export function watchers(tracker: SessionTracker): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { stream, kind, active } of tracker.stats().activeBy) {
    if (kind === 'viewer' || kind === 'output') counts.set(stream, (counts.get(stream) ?? 0) + active);
  }
  return counts;
}
