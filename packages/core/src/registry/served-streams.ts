import { ownCopy } from '../support/strings.js';

const MAX_REMEMBERED = 16_384;

/**
 * The streams of which something has been served, as long as they are remembered: the latest so many. Names that a
 * stranger makes up are not among them, for nothing is served of those.
 */
export class ServedStreams {
  private readonly codes = new Set<string>();

  constructor(private readonly max = MAX_REMEMBERED) {}

  has(code: string): boolean {
    return this.codes.has(code);
  }

  add(code: string): void {
    // the latest stay
    if (!this.codes.delete(code)) code = ownCopy(code);
    this.codes.add(code);
    for (const oldest of this.codes) {
      if (this.codes.size <= this.max) return;
      this.codes.delete(oldest);
    }
  }
}
