import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { StreamSessionsError } from './errors.js';
import { isAlive, readIdentity, thisProcess, type ProcessIdentity } from './process-identity.js';

/** Of this process: a file is held once. */
const held = new Set<string>();

/**
 * Holds `path` for this process, by a file beside it. One that a dead process of this host has left is taken over.
 *
 * @param refusal what is thrown when process `pid` holds it. Default: StreamSessionsError ERR_STATE_IN_USE
 * @returns gives it back
 * @throws what `refusal` makes; and what the file system throws
 */
export function lockFile(path: string, refusal = (pid: number | undefined): Error => inUse(path, pid)): () => void {
  const lock = `${path}.lock`;
  if (held.has(lock)) throw refusal(process.pid);
  if (!create(lock)) {
    const holder = readHolder(lock);
    if (holder !== undefined && isAlive(holder)) throw refusal(holder.pid);
    rmSync(lock, { force: true });
    if (!create(lock)) throw refusal(readHolder(lock)?.pid);
  }
  held.add(lock);
  return () => {
    held.delete(lock);
    rmSync(lock, { force: true });
  };
}

function create(lock: string): boolean {
  let file: number;
  try {
    file = openSync(lock, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeSync(file, JSON.stringify(thisProcess()));
  closeSync(file);
  return true;
}

/** Undefined: whoever made it did not live to say so. */
function readHolder(lock: string): ProcessIdentity | undefined {
  try {
    return readIdentity(readFileSync(lock, 'utf8'));
  } catch {
    return undefined;
  }
}

const inUse = (path: string, pid: number | undefined): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_STATE_IN_USE',
    `${path} is in use by process ${pid ?? '?'}: a state file belongs to one tracker. If that process is on another ` +
      `host and has ended, remove ${path}.lock.`,
  );
