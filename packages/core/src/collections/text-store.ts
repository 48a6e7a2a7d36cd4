const CHUNK = 1024 * 1024;
/** The most bytes that one UTF-16 code unit takes up in UTF-8. */
const WIDEST = 3;
const FIRST_CAPACITY = 64;

/**
 * Many texts that are rarely read, stored as bytes outside the heap: a hundred thousand of them cost the garbage collector
 * nothing. They are addressed by number, which the caller counts up from 0. The space of a replaced text is released only with
 * the whole store.
 */
export class TextStore {
  private readonly chunks: Buffer[] = [];
  private used = CHUNK;
  /** For each text: its chunk, its offset there, its length in bytes. */
  private places = new Uint32Array(3 * FIRST_CAPACITY);

  /** Stores any text faithfully, except for lone surrogates. */
  set(n: number, text: string): void {
    const widest = WIDEST * text.length;
    if (this.used + widest > (this.chunks.at(-1)?.length ?? 0)) {
      this.chunks.push(Buffer.allocUnsafeSlow(Math.max(CHUNK, widest)));
      this.used = 0;
    }
    const length = (this.chunks.at(-1) as Buffer).write(text, this.used, 'utf8');
    while (3 * n >= this.places.length) {
      const larger = new Uint32Array(2 * this.places.length);
      larger.set(this.places);
      this.places = larger;
    }
    this.places.set([this.chunks.length - 1, this.used, length], 3 * n);
    this.used += length;
  }

  get(n: number): string {
    const from = this.places[3 * n + 1] as number;
    return this.chunkOf(n).toString('utf8', from, from + this.lengthOf(n));
  }

  includes(n: number, part: Buffer): boolean {
    const from = this.places[3 * n + 1] as number;
    return this.chunkOf(n)
      .subarray(from, from + this.lengthOf(n))
      .includes(part);
  }

  private lengthOf(n: number): number {
    return this.places[3 * n + 2] ?? 0;
  }

  private chunkOf(n: number): Buffer {
    return this.chunks[this.places[3 * n] as number] as Buffer;
  }
}
