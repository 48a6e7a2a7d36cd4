import type { Entry } from './roster.js';

/** Which connections count for a session of the tracker: they end with it. */
export class BySession {
  private readonly entries = new Map<string, Set<Entry>>();

  /** One whose session is known. */
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
