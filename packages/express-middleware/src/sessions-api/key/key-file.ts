import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** Files written by this process, with their content. */
const written = new Map<string, string>();

/**
 * Writes the key as the header that carries it, for `curl -H @file`: everyone on the machine can see a key on a command line.
 * Only this user can read the file. Whatever was there before is replaced, even a link. Removed when the process ends.
 */
export function writeKeyFile(file: string, key: string): void {
  const header = `Authorization: Bearer ${key}\n`;
  if (written.get(file) === header) return;
  const old = statSync(file, { throwIfNoEntry: false });
  // a file that is moved to /dev/null takes its place, for everybody on the machine
  if (old?.isFile() === false && !old.isDirectory())
    throw new Error('it is not a regular file; for no file, say false');
  // never opened under its own name: somebody may have placed a link there that leads elsewhere
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(temporary, header, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (written.size === 0) process.once('exit', removeAll);
  written.set(file, header);
}

/** Removes those that no other process has replaced meanwhile. */
function removeAll(): void {
  for (const [file, header] of written) {
    try {
      if (readFileSync(file, 'utf8') === header) rmSync(file);
    } catch {
      // already gone
    }
  }
}
