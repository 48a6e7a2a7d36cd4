import type { FileHandle } from 'node:fs/promises';
import type { StateChange } from '../types/state.js';

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

/** A change as a line. Its key comes first, so that nobody has to read the rest to find it. */
export const toLine = ([key, value]: StateChange): string =>
  value === undefined ? `[${JSON.stringify(key)}]\n` : `[${JSON.stringify(key)},${JSON.stringify(value)}]\n`;

/** @returns undefined where it is no change */
export function fromLine(line: string): StateChange | undefined {
  try {
    const change: unknown = JSON.parse(line);
    if (!Array.isArray(change) || typeof change[0] !== 'string' || change.length > 2) return undefined;
    return [change[0], change[1]];
  } catch {
    return undefined;
  }
}

const [QUOTE, BACKSLASH, BRACKET] = Buffer.from('"\\]');

/** Where the key of a line ends, which begins with its third byte; undefined where it is no change. */
function endOfKey(data: Buffer, from: number, to: number): number | undefined {
  if (data[from + 1] !== QUOTE || data[to - 1] !== BRACKET) return undefined;
  let end = from + 2;
  while (end < to && data[end] !== QUOTE) end += data[end] === BACKSLASH ? 2 : 1;
  return end < to ? end : undefined;
}

/** The key as it stands in the line. */
export const keyOfLine = (data: Buffer, from: number, to: number): string =>
  data.toString('latin1', from + 2, endOfKey(data, from, to));

/** Where the last line of each key begins under which something is kept. */
export interface LatestLines {
  readonly offsets: ReadonlyMap<string, number>;
  /** Behind the last whole line. */
  readonly end: number;
  /** Lines that are none. */
  readonly damaged: number;
}

/** `verify`: not every line that looks like one is one. */
export async function latestLines(
  file: FileHandle,
  start: number,
  end: number,
  verify: boolean,
  isOver: () => boolean = () => false,
): Promise<LatestLines> {
  const offsets = new Map<string, number>();
  let damaged = 0;
  let readTo = start;
  for await (const lines of linesOf(file, start, end)) {
    if (isOver()) break;
    const { data, at } = lines;
    eachLine(lines, (from, to, offset) => {
      readTo = at + to + 1;
      const keyEnd = endOfKey(data, from, to);
      if (keyEnd === undefined || (verify && fromLine(data.toString('utf8', from, to)) === undefined)) {
        damaged++;
        return;
      }
      const key = data.toString('latin1', from + 2, keyEnd);
      if (data[keyEnd + 1] === BRACKET) offsets.delete(key);
      else offsets.set(key, offset);
    });
  }
  return { offsets, end: readTo, damaged };
}

/** @returns how much it was */
export async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let written = 0;
  while (written < bytes.length) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
  return written;
}
