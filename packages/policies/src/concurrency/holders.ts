import type { TrackerView } from '@stream-sessions/core';

/** Who holds the slots of one user (token, address, stream), in the order in which they came. */
export class Holders {
  /** Openings that other policies are still deciding about. */
  reserved = 0;
  private readonly sessions = new Set<string>();
  /** Quiet ones whose slot is promised to an opening. */
  private readonly promised = new Set<string>();
  /** Epoch ms: nobody has been quiet for long before that. */
  private noneQuietBefore = 0;

  get isEmpty(): boolean {
    return this.sessions.size === 0 && this.reserved === 0;
  }

  /** At the most: some may be quiet. */
  get size(): number {
    return this.sessions.size - this.promised.size + this.reserved;
  }

  holds(id: string): boolean {
    return this.sessions.has(id) && !this.promised.has(id);
  }

  /** True when it is one of the first (or last) so many: there are more only where the limit has come down. */
  isAmong(id: string, max: number, last: boolean): boolean {
    if (this.sessions.size <= max) return true;
    const rank = [...this.sessions].indexOf(id);
    return last ? rank >= this.sessions.size - max : rank < max;
  }

  /** The first of those who came, at most so many. */
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
    for (const id of ids) this.promised.delete(id);
  }

  /** Nobody was quiet the last time all were looked at, and nobody can be by now. */
  nobodyIsQuiet(now: number): boolean {
    return now < this.noneQuietBefore;
  }

  /** Who plays, and who has been quiet for longer than the grace; oldest first. */
  look(view: TrackerView, graceMs: number): { playing: string[]; quiet: string[] } {
    const { now } = view;
    const playing: string[] = [];
    const quiet: string[] = [];
    let earliest = Infinity;
    for (const id of this.sessions) {
      const activeAt = view.activeAt(id);
      // It has ended while this policy was not configured.
      if (activeAt === undefined) this.delete(id);
      else if (this.promised.has(id)) continue;
      else if (now - activeAt > graceMs) quiet.push(id);
      else {
        playing.push(id);
        earliest = Math.min(earliest, activeAt);
      }
    }
    this.noneQuietBefore = quiet.length === 0 ? earliest + graceMs : 0;
    return { playing, quiet };
  }
}
