/** A piece that was written and may not be sent yet. */
interface Piece {
  bytes: Buffer;
  readonly done: Done | undefined;
}

export type Done = (error?: Error | null) => void;

/** The pieces of a body, in order, taken in slices. Nothing is copied. */
export class HeldBytes {
  size = 0;
  private pieces: Piece[] = [];
  /** The pieces before this index are gone. */
  private first = 0;

  add(bytes: Buffer, done: Done | undefined): void {
    this.pieces.push({ bytes, done });
    this.size += bytes.length;
  }

  /** A slice of the first piece, at most this long, and its callback if it was the last slice. */
  take(most: number): { slice: Buffer; done: Done | undefined } {
    const piece = this.pieces[this.first] as Piece;
    const slice = piece.bytes.length <= most ? piece.bytes : piece.bytes.subarray(0, most);
    this.size -= slice.length;
    if (slice !== piece.bytes) {
      piece.bytes = piece.bytes.subarray(most);
      return { slice, done: undefined };
    }
    if (++this.first >= 64 || this.size === 0) {
      this.pieces = this.pieces.slice(this.first);
      this.first = 0;
    }
    return { slice, done: piece.done };
  }

  /** Drops everything; whoever waits for a piece is told that it will not be sent. */
  drop(): void {
    const dropped = this.pieces.slice(this.first);
    this.pieces = [];
    this.first = this.size = 0;
    const error = new Error('The response ended before this was sent.');
    for (const { done } of dropped) if (done !== undefined) process.nextTick(done, error);
  }
}
