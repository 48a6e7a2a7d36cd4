import type { SessionTracker } from '@stream-sessions/core';
import type { Entry } from './roster.js';

/** The connections that count towards each session of the tracker, with which they end. */
export class BySession {
  private readonly entries = new Map<string, Set<Entry>>();

  /** Adds a connection whose session is known. */
  add(entry: Entry): void {
    const sessionId = entry.presence?.sessionId;
    if (sessionId === undefined) return;
    const same = this.entries.get(sessionId);
    if (same === undefined) this.entries.set(sessionId, new Set([entry]));
    else same.add(entry);
  }

  delete(entry: Entry): void {
    const sessionId = entry.presence?.sessionId;
    if (sessionId === undefined) return;
    const same = this.entries.get(sessionId);
    same?.delete(entry);
    if (same?.size === 0) this.entries.delete(sessionId);
  }

  /** In a cluster, a session may turn out to be a visit that has another id. Returns the function that ends this. */
  follow(tracker: SessionTracker): () => void {
    let renamed: Entry[] = [];
    const stops = [
      tracker.on('closed', ({ session, reason }) => {
        if (reason === 'renamed') renamed = this.of(session.id);
      }),
      // what it goes by from then on is told right after
      tracker.on('resumed', ({ session }) => {
        for (const entry of renamed.splice(0)) this.move(entry, session.id);
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }

  private move(entry: Entry, sessionId: string): void {
    this.delete(entry);
    if (entry.presence !== undefined) entry.presence.sessionId = sessionId;
    this.add(entry);
  }

  of(sessionId: string): Entry[] {
    return [...(this.entries.get(sessionId) ?? [])];
  }
}
