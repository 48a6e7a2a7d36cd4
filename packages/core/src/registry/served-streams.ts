import { ownCopy } from '../support/strings.js';

const MAX_REMEMBERED = 16_384;

/**
 * The streams that have been served most recently, up to a bound. Names that strangers make up never get here, because nothing is
 * served for them.
 */
export class ServedStreams {
  private readonly codes = new Set<string>();

  constructor(private readonly max = MAX_REMEMBERED) {}

  has(code: string): boolean {
    return this.codes.has(code);
  }

  add(code: string): void {
    // re-inserted, so that the most recent stay
    if (!this.codes.delete(code)) code = ownCopy(code);
    this.codes.add(code);
    for (const oldest of this.codes) {
      if (this.codes.size <= this.max) return;
      this.codes.delete(oldest);
    }
  }
}
