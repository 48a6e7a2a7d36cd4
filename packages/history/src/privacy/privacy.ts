import { createHash, createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { IpMode } from '../types/visit-row.js';

/**
 * What is kept of who somebody is. With all of the address, ids are kept as they are; with less, ids are keyed hashes: an id
 * is made of the address, and whoever knew how could try all addresses until one fits.
 */
export class Privacy {
  /** @param key empty where addresses are kept for good: there is nothing to hide, and writers agree without a common key */
  constructor(
    readonly mode: IpMode,
    private readonly key: string,
  ) {}

  /** The id of a session, as it is kept. */
  id(id: string): string {
    return this.mode === 'full' ? id : this.digest(`id\n${id}`).toString('hex', 0, 16);
  }

  ip(ip: string): string | null {
    return keptAddress(ip, this.mode);
  }

  /** 64 bits for whoever a user, or else an address and a player, is. */
  viewer(user: string | undefined, ip: string, userAgent: string | undefined): string {
    const who = user === undefined ? `ip\n${ip}\n${userAgent ?? ''}` : `user\n${user}`;
    return this.digest(who).readBigInt64BE().toString();
  }

  private digest(text: string): Buffer {
    return (this.key === '' ? createHash('sha256') : createHmac('sha256', this.key)).update(text).digest();
  }
}

/** The address, its network, or null. Null too for what is no address. */
export function keptAddress(ip: string, mode: IpMode): string | null {
  const version = isIP(ip);
  if (version === 0 || mode === 'none') return null;
  if (mode === 'full') return ip;
  if (version === 4) return `${ip.split('.').slice(0, 3).join('.')}.0/24`;
  return `${firstGroups(ip).join(':')}::/48`;
}

/** The first 48 bits. */
function firstGroups(ip: string): string[] {
  const [head = '', tail] = ip.split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined) return left.slice(0, 3);
  const right = tail === '' ? [] : tail.split(':');
  const missing = Math.max(0, 8 - left.length - right.length);
  return [...left, ...new Array<string>(missing).fill('0'), ...right].slice(0, 3);
}
