/** At once: what acknowledges, answers pings, pauses and seeks is a hundredth of this. */
const MOST_BYTES = 64 * 1024;
/** And what comes back of it every second. */
const BYTES_PER_SECOND = 4 * 1024;

/** What a player may say: it has nothing to say, but for a few bytes now and then that its protocol wants. */
export class Allowance {
  private left = MOST_BYTES;
  private since = performance.now();

  /** False: it has said too much. */
  take(bytes: number): boolean {
    const now = performance.now();
    this.left = Math.min(MOST_BYTES, this.left + ((now - this.since) / 1000) * BYTES_PER_SECOND) - bytes;
    this.since = now;
    return this.left >= 0;
  }
}
