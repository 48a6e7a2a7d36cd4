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

  of(sessionId: string): Entry[] {
    return [...(this.entries.get(sessionId) ?? [])];
  }
}
