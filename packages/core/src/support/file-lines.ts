import type { FileHandle } from 'node:fs/promises';

const CHUNK = 256 * 1024;
/** The longest record: a longer line is not a record. */
const LONGEST_LINE = 8 * 1024 * 1024;
const LINE_END = 10;

/** Whole lines of a file, contiguous in `data`. */
export interface Lines {
  /** Valid until the next lines are requested: the buffer is reused. */
  readonly data: Buffer;
  /** The file offset at which `data` begins. */
  readonly at: number;
  /** The end of each line in `data`, excluding its line end; the next line begins after that. */
  readonly ends: readonly number[];
}

/** The whole lines from `offset` to `end`, in portions. Text after the last line end does not count as a line. */
export async function* linesOf(file: FileHandle, offset: number, end: number): AsyncGenerator<Lines> {
  // Two buffers: one is filled while the other is in use. Each holds the last chunk, preceded by the incomplete line of the one
  // before.
  let [data, spare] = [Buffer.allocUnsafeSlow(2 * CHUNK), Buffer.allocUnsafeSlow(2 * CHUNK)];
  let rest = 0;
  let at = offset;
  let reading = read(file, data, 0, offset, end);
  for (;;) {
    const length = await reading;
    if (length === 0) return;
    offset += length;
    const filled = rest + length;
    const ends: number[] = [];
    for (let to = data.indexOf(LINE_END, rest); to >= 0 && to < filled; to = data.indexOf(LINE_END, to + 1))
      ends.push(to);
    const from = (ends.at(-1) ?? -1) + 1;
    rest = filled - from;
    let dropped = 0;
    if (rest > LONGEST_LINE) [dropped, rest] = [rest, 0];
    if (spare.length < rest + CHUNK) spare = Buffer.allocUnsafeSlow(2 * rest + CHUNK);
    data.copy(spare, 0, filled - rest, filled);
    reading = read(file, spare, rest, offset, end);
    reading.catch(() => undefined);
    if (ends.length > 0) yield { data: data.subarray(0, filled), at, ends };
    at += from + dropped;
    [data, spare] = [spare, data];
  }
}

/** Reads a chunk to the position `behind`. Returns its length: 0 at the end. */
async function read(file: FileHandle, into: Buffer, behind: number, offset: number, end: number): Promise<number> {
  const length = Math.max(0, Math.min(CHUNK, end - offset));
  return length === 0 ? 0 : (await file.read(into, behind, length, offset)).bytesRead;
}

/** Calls `use` with the start and end of each line in `data`, and its file offset. */
export function eachLine({ at, ends }: Lines, use: (from: number, to: number, offset: number) => void): void {
  let from = 0;
  for (const to of ends) {
    use(from, to, at + from);
    from = to + 1;
  }
}
