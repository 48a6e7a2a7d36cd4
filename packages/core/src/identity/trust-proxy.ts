import { isIP } from 'node:net';
import { normaliseAddress } from './address.js';
import { badOption } from '../support/options.js';
import { atOnce } from '../support/promises.js';

/**
 * Which proxies may say who the client is: Express's `trust proxy`. True trusts all (use it only behind a proxy that replaces the
 * header), a number trusts that many hops; or addresses, CIDR blocks, `loopback`, `linklocal`, `uniquelocal`. A function decides on its
 * own: `app.get('trust proxy fn')` is the one of an Express app.
 */
export type TrustProxy = boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

/** Whether the proxy at this address, so many hops away, may say who the client is. */
export type TrustFunction = (address: string, hop: number) => boolean;

/** Peers on a Unix socket have no address, but are on this machine. */
export const LOCAL_PEER = '127.0.0.1';

/**
 * Reads the option `trustProxy`.
 *
 * @param compile Reads addresses and CIDR blocks: `compile` of the npm package `proxy-addr`, which this package does not depend on
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function readTrustProxy(trustProxy: TrustProxy, compile: (addresses: string[]) => TrustFunction): TrustFunction {
  // a promise would trust everybody
  if (typeof trustProxy === 'function') return (address, hop) => atOnce(trustProxy(address, hop), 'trustProxy()');
  if (typeof trustProxy === 'boolean') return () => trustProxy;
  if (typeof trustProxy === 'number' && trustProxy >= 0) return (_address, hop) => hop < trustProxy;
  try {
    // as addresses these are 0.0.0.1 and the like
    if (typeof trustProxy === 'string' && /^\s*\d+\s*$/.test(trustProxy))
      throw new Error('A number of proxies is no string.');
    const addresses = typeof trustProxy === 'string' ? trustProxy.split(',').map((part) => part.trim()) : trustProxy;
    return compile(addresses as string[]);
  } catch (cause) {
    const error = badOption(
      'trustProxy',
      'true, false, a number of proxies, or addresses and blocks like "loopback, 10.0.0.0/8"',
      trustProxy,
    );
    error.cause = cause;
    throw error;
  }
}

/**
 * The address that proxies have passed on, without a port; the peer's if it is none. If every proxy is trusted, the left-most one is
 * what the client wrote.
 */
export function forwardedAddress(forwarded: string | undefined, peer: string): string {
  if (forwarded === undefined) return peer;
  if (isIP(forwarded) !== 0) return forwarded;
  const stripped = forwarded.length <= 64 ? normaliseAddress(forwarded) : '';
  return isIP(stripped) !== 0 ? stripped : peer;
}
