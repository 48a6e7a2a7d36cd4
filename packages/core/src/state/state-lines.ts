import type { FileHandle } from 'node:fs/promises';
import { TextIndex } from '../collections/text-index.js';
import { eachLine, linesOf } from '../support/file-lines.js';
import type { StateChange } from '../types/state.js';

/** A change as a line. The key comes first, so that it can be found without reading the rest. */
export const toLine = ([key, value]: StateChange): string =>
  value === undefined ? `[${JSON.stringify(key)}]\n` : `[${JSON.stringify(key)},${JSON.stringify(value)}]\n`;

/** @returns undefined if the line is not a change */
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

/** The offset at which the key of a line ends (it begins at the third byte); undefined if the line is not a change. */
function endOfKey(data: Buffer, from: number, to: number): number | undefined {
  if (data[from + 1] !== QUOTE || data[to - 1] !== BRACKET) return undefined;
  let end = from + 2;
  while (end < to && data[end] !== QUOTE) end += data[end] === BACKSLASH ? 2 : 1;
  return end < to ? end : undefined;
}

/** The key exactly as written in the line. */
export const keyOfLine = (data: Buffer, from: number, to: number): string =>
  data.toString('latin1', from + 2, endOfKey(data, from, to));

/** The last line of each key that still has a value. */
export interface LatestLines {
  /** Whether the line that begins at this offset is one of them. */
  readonly isOne: (key: string, offset: number) => boolean;
  /** The offset after the last whole line. */
  readonly end: number;
  /** The number of damaged lines. */
  readonly damaged: number;
}

/** `verify`: some lines may look valid and be damaged. */
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
