import { open, type FileHandle } from 'node:fs/promises';
import { writeAll } from '../support/durable.js';
import { eachLine, linesOf } from '../support/file-lines.js';
import { headerOf } from './state-header.js';
import { keyOfLine, latestLines } from './state-lines.js';

/** Which part of a file is copied, and how. */
export interface CopyOptions {
  readonly key: string;
  /** The range of lines to copy: start and end offset. */
  readonly from: number;
  readonly to: number;
  /** Some lines are damaged. */
  readonly isDamaged: boolean;
  /** True when the copy is no longer needed. */
  readonly isOver: () => boolean;
}

/** A new file with the last line of each key that still has a value. Undefined: it was cancelled. */
export async function compactedCopy(
  source: FileHandle,
  path: string,
  { key, from, to, isDamaged, isOver }: CopyOptions,
): Promise<{ file: FileHandle; size: number; copiedTo: number } | undefined> {
  const { isOne } = await latestLines(source, from, to, isDamaged, isOver);
  if (isOver()) return undefined;
  const file = await open(path, 'w+', 0o600);
  let size: number | undefined;
  try {
    size = await copyLines();
  } finally {
    if (size === undefined) await file.close();
  }
  return size === undefined ? undefined : { file, size, copiedTo: to };

  async function copyLines(): Promise<number | undefined> {
    const header = Buffer.from(headerOf(key));
    await file.write(header);
    let written = header.length;
    for await (const lines of linesOf(source, from, to)) {
      if (isOver()) return undefined;
      const parts: Buffer[] = [];
      eachLine(lines, (begin, end, offset) => {
        if (isOne(keyOfLine(lines.data, begin, end), offset)) parts.push(lines.data.subarray(begin, end + 1));
      });
      written += await writeAll(file, Buffer.concat(parts), written);
    }
    return isOver() ? undefined : written;
  }
}
