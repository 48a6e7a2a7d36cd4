import { randomBytes } from 'node:crypto';
import { heldBytes } from '../../src/testing/heap.js';

/** What is still held for each, in bytes, after `keep` has run for so many. */
export async function bytesEach(count: number, keep: (i: number) => unknown): Promise<number> {
  const before = heldBytes();
  for (let i = 0; i < count; i++) await keep(i);
  return Math.round((heldBytes() - before) / count);
}

/**
 * As an HTTP parser gives it: parts of one long text that nobody has seen before. Who keeps one of them and not a copy of
 * it keeps all of it.
 */
export class Request {
  private readonly text: string;
  private at = 0;

  /** `wide`: of two bytes a character. */
  constructor(length = 24_576, wide = false) {
    const text = randomBytes(length / 2).toString('hex');
    this.text = wide ? Buffer.from(`漢${text}`, 'utf16le').toString('utf16le') : text;
  }

  /** The next so many characters. */
  part(length: number): string {
    const start = this.at;
    this.at += length;
    if (this.at > this.text.length) throw new Error('this request has no more to say');
    return this.text.slice(start, this.at);
  }
}
