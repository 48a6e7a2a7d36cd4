import { lookup as lookUp, type LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import type { Allows } from './allow.js';
import type { VncTarget } from './options.js';

/** After how much silence TCP probes whether the desktop's machine is still there. Milliseconds. */
const KEEP_ALIVE_MS = 30_000;

/** A target that the option `allow` forbids: a mistake in the app, or an attack on it. */
export class TargetNotAllowed extends Error {
  constructor(where: string) {
    super(`a target is not allowed: ${where}`);
  }
}

/**
 * Connects to a desktop, but only to an allowed address: a name is resolved once, and that very address is connected to, so a
 * name that resolves differently a moment later (rebinding) has no effect.
 */
export async function reach({ host, port }: VncTarget, allows: Allows, signal: AbortSignal): Promise<Socket> {
  const where = `${String(host).slice(0, 100)}:${port}`;
  if (typeof host !== 'string' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TargetNotAllowed(where);
  if (isIP(host) !== 0 && !allows(host, port)) throw new TargetNotAllowed(where);
  const socket = connect({
    host,
    port,
    lookup: allowedOnly(allows, port),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  const abort = (): unknown => socket.destroy();
  signal.addEventListener('abort', abort);
  try {
    await once(socket, 'connect', { signal });
    if (!allows(socket.remoteAddress ?? '', port)) throw new TargetNotAllowed(where);
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The system's look-up, without addresses that are not allowed. */
const allowedOnly =
  (allows: Allows, port: number): LookupFunction =>
  (host, options, callback) =>
    lookUp(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return callback(error, '');
      let allowed: LookupAddress[];
      try {
        allowed = found.filter(({ address }) => allows(address, port));
      } catch (thrown) {
        return callback(thrown as NodeJS.ErrnoException, '');
      }
      const [first] = allowed;
      if (first === undefined) callback(new TargetNotAllowed(`${host.slice(0, 100)}:${port}`), '');
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
