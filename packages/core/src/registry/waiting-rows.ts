/** What changes while a visit continues. */
export type Progress = readonly [bytes: number, received: number, updatedAt: number, quality?: object];

const FIRST_CAPACITY = 64;
const NUMBERS = 3;

/** Which visits are waiting, and the progress of each: numbers by row, outside the heap. */
export class WaitingRows {
  size = 0;
  private flags = new Uint8Array(FIRST_CAPACITY);
  /** Per row: bytes sent, bytes received, last activity; NaN: unknown. */
  private numbers = new Float64Array(NUMBERS * FIRST_CAPACITY);
  /** Of the few players that report it. */
  private readonly qualities = new Map<number, object>();

  add(): number {
    if (this.size === this.flags.length) this.grow();
    this.numbers.fill(NaN, NUMBERS * this.size, NUMBERS * (this.size + 1));
    return this.size++;
  }

  isWaiting(row: number): boolean {
    return this.flags[row] === 1;
  }

  setWaiting(row: number, waits: boolean): void {
    this.flags[row] = waits ? 1 : 0;
  }

  setProgress(row: number, [bytes, received, updatedAt, quality]: Progress): void {
    this.numbers.set([bytes, received, updatedAt], NUMBERS * row);
    if (quality !== undefined) this.qualities.set(row, quality);
  }

  /** Undefined: nothing is known. */
  progressOf(row: number): Progress | undefined {
    const [bytes, received, updatedAt] = this.numbers.subarray(NUMBERS * row) as unknown as [number, number, number];
    return Number.isNaN(bytes) ? undefined : [bytes, received, updatedAt, this.qualities.get(row)];
  }

  private grow(): void {
    const flags = new Uint8Array(2 * this.size);
    const numbers = new Float64Array(NUMBERS * flags.length);
    flags.set(this.flags);
    numbers.set(this.numbers);
    [this.flags, this.numbers] = [flags, numbers];
  }
}
