import type { FileHandle } from 'node:fs/promises';
import type { StateChange } from '../types/state.js';

const CHUNK = 256 * 1024;
/** No record is longer: what is, is none. */
const LONGEST_LINE = 8 * 1024 * 1024;

/** A line of a file, without its end. */
export interface Line {
  readonly bytes: Buffer;
  readonly offset: number;
  /** Where the next one begins. */
  readonly end: number;
}

/** The whole lines from `offset` to `end`, in portions. What follows the last line end is none. */
export async function* linesOf(file: FileHandle, offset: number, end: number): AsyncGenerator<Line[]> {
  let rest = Buffer.alloc(0);
  let restAt = offset;
  while (offset < end) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - offset));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    const data = rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    const lines: Line[] = [];
    let from = 0;
    for (let to = data.indexOf(10); to >= 0; to = data.indexOf(10, from)) {
      lines.push({ bytes: data.subarray(from, to), offset: restAt + from, end: restAt + to + 1 });
      from = to + 1;
    }
    rest = data.subarray(from);
    restAt += from;
    if (rest.length > LONGEST_LINE) {
      restAt += rest.length;
      rest = rest.subarray(0, 0);
    }
    if (lines.length > 0) yield lines;
  }
}

/** A change as a line. Its key comes first, so that nobody has to read the rest to find it. */
export const toLine = ([key, value]: StateChange): string =>
  value === undefined ? `[${JSON.stringify(key)}]\n` : `[${JSON.stringify(key)},${JSON.stringify(value)}]\n`;

/** @returns undefined where it is no change */
export function fromLine(bytes: Buffer): StateChange | undefined {
  try {
    const change: unknown = JSON.parse(bytes.toString());
    if (!Array.isArray(change) || typeof change[0] !== 'string' || change.length > 2) return undefined;
    return [change[0], change[1]];
  } catch {
    return undefined;
  }
}

const [QUOTE, BACKSLASH, BRACKET] = Buffer.from('"\\]');

/** The key of a line as it stands there, and whether something is kept under it; undefined where it is no change. */
export function keyOfLine(bytes: Buffer): { key: string; isKept: boolean } | undefined {
  if (bytes[1] !== QUOTE) return undefined;
  let end = 2;
  while (end < bytes.length && bytes[end] !== QUOTE) end += bytes[end] === BACKSLASH ? 2 : 1;
  if (end >= bytes.length || bytes[bytes.length - 1] !== BRACKET) return undefined;
  return { key: bytes.toString('latin1', 2, end), isKept: bytes[end + 1] !== BRACKET };
}

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
  from: number,
  to: number,
  verify: boolean,
  isOver: () => boolean = () => false,
): Promise<LatestLines> {
  const offsets = new Map<string, number>();
  let damaged = 0;
  let end = from;
  for await (const lines of linesOf(file, from, to)) {
    if (isOver()) break;
    for (const { bytes, offset, end: lineEnd } of lines) {
      const line = verify && fromLine(bytes) === undefined ? undefined : keyOfLine(bytes);
      if (line === undefined) damaged++;
      else if (line.isKept) offsets.set(line.key, offset);
      else offsets.delete(line.key);
      end = lineEnd;
    }
  }
  return { offsets, end, damaged };
}

/** @returns how much it was */
export async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let written = 0;
  while (written < bytes.length) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
  return written;
}
