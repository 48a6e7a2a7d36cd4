/** Bytes per millisecond in one megabit per second. */
const BYTES_PER_MS = 125;
/**
 * A lead shorter than this does not count: readings come early or late, and requests of the session in small bursts.
 * Milliseconds.
 */
const SLACK_MS = 500;
/** Bytes are known this much later than they flow. Milliseconds. */
const READING_MS = 1500;

/**
 * How long bytes have been ahead of a limit: from when they overtook it until it has caught up. Video comes in bursts, with a key
 * frame every few seconds, and is within its limit all the same.
 */
export class Overrun {
  private readonly bytesPerMs: number;
  private at = -Infinity;
  private hasBegun = false;
  /** In bytes, at that time. */
  private ahead = 0;
  private aheadSince = Infinity;

  /** @param from Epoch milliseconds: what flows before does not count. */
  constructor(
    mbits: number,
    private readonly from: number,
  ) {
    this.bytesPerMs = mbits * BYTES_PER_MS;
  }

  add(bytes: number, now: number): void {
    const before = this.at;
    this.at = now;
    // The first reading after the beginning still includes what flowed during it.
    if (!this.hasBegun && before < this.from) return;
    this.hasBegun = true;
    if (now < before) return;
    this.ahead = Math.max(0, this.ahead + bytes - (now - before) * this.bytesPerMs);
    if (this.ahead === 0) this.aheadSince = Infinity;
    else if (this.aheadSince === Infinity) this.aheadSince = before;
  }

  /** Milliseconds; 0: it is not ahead. */
  lastsMs(now: number): number {
    const paused = now - this.at - READING_MS;
    const isAhead = this.ahead > Math.max(SLACK_MS, paused) * this.bytesPerMs;
    if (!isAhead) return 0;
    return Math.max(0, this.at - this.aheadSince);
  }
}
