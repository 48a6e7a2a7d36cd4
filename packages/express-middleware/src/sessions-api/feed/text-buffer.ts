const FIRST_SIZE = 4 * 1024;
/** The most bytes that one UTF-16 code unit takes up in UTF-8. */
const WIDEST = 3;

/** Collects many short texts as the bytes to send: writing to memory costs a tenth of joining strings. */
export class TextBuffer {
  /** In bytes. */
  length = 0;
  private bytes = Buffer.allocUnsafe(FIRST_SIZE);

  push(text: string): void {
    const most = this.length + WIDEST * text.length;
    if (most > this.bytes.length) this.grow(most);
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  /** What was added since the last call. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    // the next batch will be about as large
    this.bytes = Buffer.allocUnsafe(Math.max(FIRST_SIZE, this.length + (this.length >> 2)));
    this.length = 0;
    return taken;
  }

  private grow(most: number): void {
    const larger = Buffer.allocUnsafe(2 * most);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
