import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes all of it: a single write may be cut short.
 *
 * @returns how much it was, in bytes
 */
export async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let written = 0;
  while (written < bytes.length) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
  return written;
}

/** So that a crash of the machine does not bring back the old name. Not everywhere can a folder be synced. */
export async function syncFolder(file: string): Promise<void> {
  const folder = await open(path.dirname(file), 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
