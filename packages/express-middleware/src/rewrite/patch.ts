/** A text with some of its parts replaced, from front to back. */
export class Patch {
  private out = '';
  private copied = 0;

  constructor(private readonly text: string) {}

  replace(start: number, end: number, by: string): void {
    this.out += this.text.slice(this.copied, start) + by;
    this.copied = end;
  }

  /** The same string if nothing was replaced. */
  result(): string {
    return this.copied === 0 ? this.text : this.out + this.text.slice(this.copied);
  }
}
