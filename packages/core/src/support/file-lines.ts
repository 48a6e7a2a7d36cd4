import type { FileHandle } from 'node:fs/promises';

const CHUNK = 256 * 1024;
/** No record is longer: what is, is none. */
const LONGEST_LINE = 8 * 1024 * 1024;
const LINE_END = 10;

/** Whole lines of a file, one after the other in `data`. */
export interface Lines {
  readonly data: Buffer;
  /** Where in the file `data` begins. */
  readonly at: number;
  /** Where each line ends in `data`, its line end not included; the next one begins behind that. */
  readonly ends: readonly number[];
}

/** The whole lines from `offset` to `end`, in portions. What follows the last line end is none. */
export async function* linesOf(file: FileHandle, offset: number, end: number): AsyncGenerator<Lines> {
  let rest: Buffer = Buffer.alloc(0);
  let at = offset;
  let reading = readChunk(file, offset, end);
  for (;;) {
    const chunk = await reading;
    if (chunk.length === 0) return;
    offset += chunk.length;
    // while somebody looks at this one
    reading = readChunk(file, offset, end);
    reading.catch(() => undefined);
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const ends: number[] = [];
    for (let to = data.indexOf(LINE_END, rest.length); to >= 0; to = data.indexOf(LINE_END, to + 1)) ends.push(to);
    if (ends.length > 0) yield { data, at, ends };
    const from = (ends.at(-1) ?? -1) + 1;
    rest = data.subarray(from);
    at += from;
    if (rest.length > LONGEST_LINE) {
      at += rest.length;
      rest = rest.subarray(0, 0);
    }
  }
}

/** Empty at the end. */
async function readChunk(file: FileHandle, offset: number, end: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafe(Math.max(0, Math.min(CHUNK, end - offset)));
  if (chunk.length === 0) return chunk;
  return chunk.subarray(0, (await file.read(chunk, 0, chunk.length, offset)).bytesRead);
}

/** Calls `use` with where each line begins and ends in `data`, and where it begins in the file. */
export function eachLine({ at, ends }: Lines, use: (from: number, to: number, offset: number) => void): void {
  let from = 0;
  for (const to of ends) {
    use(from, to, at + from);
    from = to + 1;
  }
}
