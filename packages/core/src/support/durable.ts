import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes all bytes: a single write may be partial.
 *
 * @returns the number of bytes written
 */
export async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let written = 0;
  while (written < bytes.length) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
  return written;
}

/** Makes a rename durable: after a crash of the machine, the old name does not come back. Not every system can sync a folder. */
export async function syncFolder(file: string): Promise<void> {
  const folder = await open(path.dirname(file), 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
