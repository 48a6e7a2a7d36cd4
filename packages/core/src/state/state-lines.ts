import type { FileHandle } from 'node:fs/promises';
import { TextIndex } from '../collections/text-index.js';
import { eachLine, linesOf } from '../support/file-lines.js';
import type { StateChange } from '../types/state.js';

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

const NOWHERE = -1;
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

/** The last line of each key under which something is kept. */
export interface LatestLines {
  /** Whether the line that begins there is one. */
  readonly isOne: (key: string, offset: number) => boolean;
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
  const offsets = new TextIndex();
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
      offsets.set(key, data[keyEnd + 1] === BRACKET ? NOWHERE : offset);
    });
  }
  return { isOne: (key, offset) => offsets.get(key) === offset, end: readTo, damaged };
}
