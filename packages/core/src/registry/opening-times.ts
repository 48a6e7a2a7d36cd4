/** The most visits, opened and closed within the same millisecond, that are remembered individually. */
const MAX_REMEMBERED = 4096;

/**
 * The earliest time at which the next visit of an id may open, since (id, openedAt) identifies a visit, even where closed ones
 * are not kept. Only visits that closed in the millisecond in which they opened have to be remembered, until it has passed.
 */
export class OpeningTimes {
  private readonly latest = new Map<string, number>();
  /** The latest time remembered. */
  private newest = -Infinity;
  /** Once there are too many to remember individually, nothing opens before this time. */
  private earliest = -Infinity;

  /** `kept`: the opening time of the latest visit that is kept; the clock may have been set back since. */
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
