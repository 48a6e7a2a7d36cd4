import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Answer = (error: Error | null, address: string | LookupAddress[], family?: number) => void;
export type Lookup = (name: string, options: LookupOptions, answer: Answer) => void;

/**
 * True for a public internet address, however it is written: not one of a private network, this machine, a tunnel or cloud
 * metadata.
 */
export function isPublic(address: string): boolean {
  const [bare = ''] = address.replace(/^\[|\]$/g, '').split('%');
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'unicast';
}

export class NotPublicError extends Error {
  constructor(host: string) {
    super(`${host} is not a public address. Set allowPrivateNetworks if it is meant.`);
  }
}

/**
 * Resolves a name for the very connection that is being made, so that it does not matter if it resolves differently a moment
 * later.
 *
 * @param ask The resolver to use. Default: the system's.
 */
export function publicLookup(ask: Lookup = resolve): Lookup {
  return (name, options, answer) => {
    ask(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return answer(error, []);
      const addresses = (found as LookupAddress[]).filter(({ address }) => isPublic(address));
      const [first] = addresses;
      if (first === undefined) return answer(new NotPublicError(name), []);
      if (options.all === true) return answer(null, addresses);
      return answer(null, first.address, first.family);
    });
  };
}

/** Rejects a private address in the URL itself, for which no look-up happens. */
export function checkLiteral(host: string): void {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0 && !isPublic(bare)) throw new NotPublicError(bare);
}
