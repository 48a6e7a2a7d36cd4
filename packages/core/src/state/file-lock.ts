import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { StreamSessionsError } from '../support/errors.js';

interface Holder {
  readonly pid: number;
  /** Tells two processes with the same number apart; undefined where nobody knows. */
  readonly started?: string | undefined;
  readonly host: string;
}

/** Of this process: a file is held once. */
const held = new Set<string>();

/**
 * Holds `path` for this process, by a file beside it. One that a dead process of this host has left is taken over.
 *
 * @returns gives it back
 * @throws StreamSessionsError ERR_STATE_IN_USE; and what the file system throws
 */
export function lockFile(path: string): () => void {
  const lock = `${path}.lock`;
  if (held.has(lock)) throw inUse(path, process.pid);
  const self: Holder = { pid: process.pid, started: startOf(process.pid), host: hostname() };
  if (!create(lock, self)) {
    const holder = readHolder(lock);
    if (holder !== undefined && isAlive(holder, self)) throw inUse(path, holder.pid);
    rmSync(lock, { force: true });
    if (!create(lock, self)) throw inUse(path, readHolder(lock)?.pid);
  }
  held.add(lock);
  return () => {
    held.delete(lock);
    rmSync(lock, { force: true });
  };
}

function create(lock: string, self: Holder): boolean {
  let file: number;
  try {
    file = openSync(lock, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  writeSync(file, JSON.stringify(self));
  closeSync(file);
  return true;
}

/** Undefined: whoever made it did not live to say so. */
function readHolder(lock: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(lock, 'utf8')) as Holder;
    return Number.isInteger(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** Of another host nobody can tell: it is believed to live. */
function isAlive({ pid, started, host }: Holder, self: Holder): boolean {
  if (host !== self.host) return true;
  // A container's processes have the same numbers each time.
  if (pid === self.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return started === undefined || startOf(pid) === started;
}

/** When a process began, in ticks since the machine did. Linux only. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
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
