/** Bytes per millisecond in one megabit per second. */
const BYTES_PER_MS = 125;

/** What may be sent at once during playback: little, or players would measure the burst instead of the limit. Milliseconds. */
const DEPTH_MS = 250;

/** What may be sent at once when the session opens, so that the first picture appears quickly. Milliseconds. */
const BURST_MS = 2000;

/**
 * How many bytes may be sent now to stay within a limit: over any period, at most limit × (period + 250 ms), and since the
 * opening, at most limit × (period + 2 s). Times are monotonic milliseconds.
 */
export class TokenBucket {
  private tokens: number;
  /** Bytes per millisecond; Infinity: no limit. */
  private rate: number;

  /** @param isNew The session is opening now, and gets a burst once. */
  constructor(
    downMbits: number,
    isNew: boolean,
    private at: number,
  ) {
    this.rate = rateOf(downMbits);
    this.tokens = this.rate * (isNew ? BURST_MS : DEPTH_MS);
  }

  /** Bytes that may be sent, as of the last `fill`. */
  get available(): number {
    return this.tokens;
  }

  /** Bytes in this many milliseconds. */
  bytesIn(ms: number): number {
    return this.rate * Math.min(ms, DEPTH_MS);
  }

  fill(now: number): void {
    const elapsed = now - this.at;
    this.at = now;
    const depth = this.bytesIn(DEPTH_MS);
    // What is left of the burst stays, but nothing is added to it.
    if (elapsed > 0 && this.tokens < depth) this.tokens = Math.min(depth, this.tokens + this.rate * elapsed);
  }

  take(bytes: number): void {
    this.tokens -= bytes;
  }

  /** Changes the limit from now on. */
  change(downMbits: number, now: number): void {
    const rate = rateOf(downMbits);
    if (rate === this.rate) return;
    this.fill(now);
    this.rate = rate;
    this.tokens = Math.min(rate === Infinity ? rate : this.tokens, this.bytesIn(DEPTH_MS));
  }
}

/** An invalid limit does not limit anything. */
const rateOf = (downMbits: number): number => (downMbits > 0 ? downMbits * BYTES_PER_MS : Infinity);
