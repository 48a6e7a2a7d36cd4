import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Answer = (error: Error | null, address: string | LookupAddress[], family?: number) => void;
export type Lookup = (name: string, options: LookupOptions, answer: Answer) => void;

/** 2000::/3, of which all of the internet is; `::7f00:1` is 127.0.0.1. */
const GLOBAL_IPV6 = ipaddr.IPv6.parse('2000::');
/** The wire server of Azure: an address like those of the internet, that each virtual machine has for itself. */
const AZURE = '168.63.129.16';

/**
 * True for a public internet address, however it is written: not one of a private network, this machine, a tunnel or cloud
 * metadata.
 */
export function isPublic(address: string): boolean {
  const [bare = ''] = address.replace(/^\[|\]$/g, '').split('%');
  if (!ipaddr.isValid(bare)) return false;
  const plain = ipaddr.process(bare);
  if (plain.range() !== 'unicast') return false;
  return plain instanceof ipaddr.IPv6 ? plain.match(GLOBAL_IPV6, 3) : plain.toString() !== AZURE;
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
