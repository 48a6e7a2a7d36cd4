import type { TrackerView } from '@stream-sessions/core';

/** The holders of the slots of one user (token, address, stream), in order of arrival. */
export class Holders {
  /** Openings about which other policies are still deciding. */
  reserved = 0;
  private readonly sessions = new Set<string>();
  /** Quiet sessions whose slot is promised to an opening. */
  private readonly promised = new Set<string>();
  /** Epoch milliseconds: from the first until the second, no session can have been quiet for long. */
  private lookedAt = 0;
  private noneQuietBefore = 0;

  get isEmpty(): boolean {
    return this.sessions.size === 0 && this.reserved === 0;
  }

  /** The maximum: some may be quiet. */
  get size(): number {
    return this.sessions.size - this.promised.size + this.reserved;
  }

  holds(id: string): boolean {
    return this.sessions.has(id) && !this.promised.has(id);
  }

  /** True if it is one of the first (or last) `max`: there are more only if the limit was lowered. */
  isAmong(id: string, max: number, last: boolean): boolean {
    if (this.sessions.size <= max) return true;
    const rank = [...this.sessions].indexOf(id);
    return last ? rank >= this.sessions.size - max : rank < max;
  }

  /** The first to arrive, at most this many. */
  first(max: number): string[] {
    const ids: string[] = [];
    for (const id of this.sessions) {
      if (ids.length >= max) break;
      if (!this.promised.has(id)) ids.push(id);
    }
    return ids;
  }

  add(id: string): void {
    this.sessions.add(id);
  }

  delete(id: string): void {
    this.sessions.delete(id);
    this.promised.delete(id);
  }

  promise(ids: readonly string[]): void {
    for (const id of ids) this.promised.add(id);
  }

  takeBack(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) this.promised.delete(id);
    // who was passed over as promised is quiet
    this.noneQuietBefore = 0;
  }

  /** No session was quiet the last time all were checked, and none can be by now, unless the clock was set back. */
  nobodyIsQuiet(now: number): boolean {
    return now >= this.lookedAt && now < this.noneQuietBefore;
  }

  /** The sessions that are playing, and those that have been quiet for longer than the grace period; oldest first. */
  look(view: TrackerView, graceMs: number): { playing: string[]; quiet: string[] } {
    const { now } = view;
    const playing: string[] = [];
    const quiet: string[] = [];
    // Who is let in from now on has not been quiet either.
    let earliest = now;
    for (const id of this.sessions) {
      const activeAt = view.activeAt(id);
      // It ended while this policy was not configured.
      if (activeAt === undefined) this.delete(id);
      else if (this.promised.has(id)) continue;
      else if (now - activeAt > graceMs) quiet.push(id);
      else {
        playing.push(id);
        earliest = Math.min(earliest, activeAt);
      }
    }
    this.lookedAt = now;
    this.noneQuietBefore = quiet.length === 0 ? earliest + graceMs : 0;
    return { playing, quiet };
  }
}
