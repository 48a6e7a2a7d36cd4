/** The burst: acknowledgements, pongs, pauses and seeks take a hundredth of this. Bytes. */
const MOST_BYTES = 64 * 1024;
/** The rate at which the allowance is refilled. */
const BYTES_PER_SECOND = 4 * 1024;

/**
 * Limits how much a player may send: it has no reason to send anything except a few bytes now and then that its protocol
 * requires.
 */
export class Allowance {
  private left = MOST_BYTES;
  private since = performance.now();

  /** False: it has sent too much. */
  take(bytes: number): boolean {
    const now = performance.now();
    this.left = Math.min(MOST_BYTES, this.left + ((now - this.since) / 1000) * BYTES_PER_SECOND) - bytes;
    this.since = now;
    return this.left >= 0;
  }
}
