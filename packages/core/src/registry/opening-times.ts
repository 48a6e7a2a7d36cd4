/** So many visits that are opened and over within a millisecond are told apart one by one. */
const MAX_REMEMBERED = 4096;

/**
 * When the next visit of an id may open: a visit is (id, openedAt), also where closed ones are not kept. Only those that
 * closed in the millisecond in which they opened have to be remembered, until that has passed.
 */
export class OpeningTimes {
  private readonly latest = new Map<string, number>();
  /** The latest of all that are remembered. */
  private newest = -Infinity;
  /** Where there were too many to remember each, nobody opens before this. */
  private earliest = -Infinity;

  /** `kept`: when the latest that is kept has opened; a clock may have been set back since. */
  next(id: string, now: number, kept = -Infinity): number {
    const last = Math.max(kept, this.latest.get(id) ?? -Infinity);
    return Math.max(now, last + 1, this.earliest);
  }

  closed(id: string, openedAt: number, closedAt: number): void {
    const then = Math.floor(closedAt);
    if (openedAt < then) return;
    if (this.newest < then) this.latest.clear();
    else if (this.latest.size >= MAX_REMEMBERED) {
      this.latest.clear();
      this.earliest = this.newest + 1;
    }
    this.newest = Math.max(this.newest, openedAt);
    this.latest.set(id, openedAt);
  }
}
