/** The period in which "most of the time" is measured. */
const SECONDS = 10;
/** Of the last ten seconds, in milliseconds: above the first, a session is short of speed; below the second, it no longer is. */
const SHORT_MS = 8000;
const ENOUGH_MS = 5000;
/** Checks that are further apart than this belong to different waits. Milliseconds. */
const GAP_MS = 200;

/** How much of the last ten seconds some response of a session has waited for its limit. Times are monotonic milliseconds. */
export class Waits {
  /** The session mostly demands more than its limit. */
  isShort = false;
  private readonly waitedMs = new Array<number>(SECONDS).fill(0);
  private second = 0;
  private lastLook = -Infinity;

  /** Something is waiting now. True: `isShort` has changed. */
  note(now: number): boolean {
    const since = now - this.lastLook;
    this.lastLook = now;
    const changed = this.turn(now);
    if (since < GAP_MS) this.waitedMs[this.second % SECONDS] = (this.waitedMs[this.second % SECONDS] ?? 0) + since;
    return changed;
  }

  /** Time has passed. True: `isShort` has changed. */
  turn(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second === this.second) return false;
    const waited = this.waitedMs.reduce((sum, ms) => sum + ms, 0);
    const isShort = second - this.second < SECONDS && waited > (this.isShort ? ENOUGH_MS : SHORT_MS);
    for (let next = Math.max(this.second, second - SECONDS) + 1; next <= second; next++)
      this.waitedMs[next % SECONDS] = 0;
    this.second = second;
    if (isShort === this.isShort) return false;
    this.isShort = isShort;
    return true;
  }
}
