import { randomBytes } from 'node:crypto';
import { StreamSessionsError } from './errors.js';
import { Generations } from './generations.js';
import { thisProcess } from './process-identity.js';

/** Who holds it may give it back while we look. */
const ATTEMPTS = 3;
/** Of this process: a file is held once. */
const held = new Set<string>();

/**
 * Holds `path` for this process, by a file beside it, `<path>.lock-<n>`. It ends with the process, also with `kill -9`; of several
 * that find it left behind, one gets it.
 *
 * @param refusal what is thrown when process `pid` holds it. Default: StreamSessionsError ERR_STATE_IN_USE
 * @returns gives it back
 * @throws what `refusal` makes; and what the file system throws
 */
export function lockFile(path: string, refusal = (pid: number | undefined): Error => inUse(path, pid)): () => void {
  if (held.has(path)) throw refusal(process.pid);
  const self = { ...thisProcess(), nonce: randomBytes(12).toString('base64url') };
  // what this process holds is in `held`
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
