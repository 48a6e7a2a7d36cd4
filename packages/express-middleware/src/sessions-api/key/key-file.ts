import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Files of this process, with what is in them. */
const written = new Map<string, string>();

/**
 * Writes the key as the header that carries it, for `curl -H @file`: a key on a command line can be seen by everybody on the
 * machine. Only this user can read it. Whatever was there before is replaced, a link too. Goes when the process ends.
 */
export function writeKeyFile(file: string, key: string): void {
  const header = `Authorization: Bearer ${key}\n`;
  if (written.get(file) === header) return;
  // never opened by its own name: somebody may have put a link there that leads elsewhere
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

/** Those that no other process has replaced meanwhile. */
function removeAll(): void {
  for (const [file, header] of written) {
    try {
      if (readFileSync(file, 'utf8') === header) rmSync(file);
    } catch {
      // gone already
    }
  }
}
