import { randomBytes } from 'node:crypto';
import { StreamSessionsError } from './errors.js';
import { Generations } from './generations.js';
import { thisProcess } from './process-identity.js';

/** The holder may release it while we look, so retry. */
const ATTEMPTS = 3;
/** Locks of this process, which can hold a file only once. */
const held = new Set<string>();

/**
 * Locks `path` for this process, using a file beside it, `<path>.lock-<n>`. The lock ends with the process, even after `kill -9`;
 * if several processes find a stale lock, one of them gets it.
 *
 * @param refusal Makes the error to throw when process `pid` holds the lock. Default: StreamSessionsError ERR_STATE_IN_USE
 * @returns a function that releases the lock
 * @throws what `refusal` makes, or a file-system error
 */
export function lockFile(path: string, refusal = (pid: number | undefined): Error => inUse(path, pid)): () => void {
  if (held.has(path)) throw refusal(process.pid);
  const self = { ...thisProcess(), nonce: randomBytes(12).toString('base64url') };
  // `held` tells what this process holds
  const lock = new Generations(`${path}.lock`, self, () => false);
  for (let attempt = 1; !lock.hold(); attempt++) if (attempt === ATTEMPTS) throw refusal(lock.holder?.pid);
  held.add(path);
  return () => {
    held.delete(path);
    lock.release();
  };
}

const inUse = (path: string, pid: number | undefined): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_STATE_IN_USE',
    `${path} is in use by process ${pid ?? '?'}: a state file belongs to one tracker. If that process is on another ` +
      `host and has ended, remove ${path}.lock-*.`,
  );
