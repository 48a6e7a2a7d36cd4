/** Bytes a millisecond in one megabit a second. */
const BYTES_PER_MS = 125;

/** What may be sent at once, while it plays: little, or players would measure the burst and not the limit. */
const DEPTH_MS = 250;

/** What may be sent at once when the session opens, so that the first picture comes quickly. */
const BURST_MS = 2000;

/**
 * How many bytes may be sent now, so that it stays below a limit: over any time no more than the limit × (that time +
 * 250 ms), and since the opening no more than the limit × (that time + 2 s). Times are monotonic milliseconds.
 */
export class TokenBucket {
  private tokens: number;
  /** Bytes a millisecond; Infinity: no limit. */
  private rate: number;

  /** @param isNew The session opens now: it has a burst, once. */
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

  /** Bytes in so many milliseconds. */
  bytesIn(ms: number): number {
    return this.rate * Math.min(ms, DEPTH_MS);
  }

  fill(now: number): void {
    const elapsed = now - this.at;
    this.at = now;
    const depth = this.bytesIn(DEPTH_MS);
    // What is left of the burst stays, and nothing is added to it.
    if (elapsed > 0 && this.tokens < depth) this.tokens = Math.min(depth, this.tokens + this.rate * elapsed);
  }

  take(bytes: number): void {
    this.tokens -= bytes;
  }

  /** Another limit, from now on. */
  change(downMbits: number, now: number): void {
    const rate = rateOf(downMbits);
    if (rate === this.rate) return;
    this.fill(now);
    this.rate = rate;
    this.tokens = Math.min(rate === Infinity ? rate : this.tokens, this.bytesIn(DEPTH_MS));
  }
}

/** What is no limit limits nothing. */
const rateOf = (downMbits: number): number => (downMbits > 0 ? downMbits * BYTES_PER_MS : Infinity);
