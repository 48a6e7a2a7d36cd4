import { createHash, createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { IpMode } from '../types/visit-row.js';

/**
 * What is kept about a person's identity. With full addresses, ids are kept as they are; otherwise ids become keyed hashes,
 * because an id is derived from the address, so anyone who knows how could try all addresses until one fits.
 */
export class Privacy {
  /** @param key Empty if full addresses are kept for good: there is nothing to hide, and writers agree without a shared key. */
  constructor(
    readonly mode: IpMode,
    private readonly key: string,
  ) {}

  /** The id of a session, in the form in which it is kept. */
  id(id: string): string {
    return this.mode === 'full' ? id : this.digest(`id\n${id}`).toString('hex', 0, 16);
  }

  ip(ip: string): string | null {
    return keptAddress(ip, this.mode);
  }

  /** 64 bits that identify a user or, failing that, an address and player. */
  viewer(user: string | undefined, ip: string, userAgent: string | undefined): string {
    const who = user === undefined ? `ip\n${ip}\n${userAgent ?? ''}` : `user\n${user}`;
    return this.digest(who).readBigInt64BE().toString();
  }

  private digest(text: string): Buffer {
    return (this.key === '' ? createHash('sha256') : createHmac('sha256', this.key)).update(text).digest();
  }
}

/** The address, its network, or null. Also null for anything that is not an address. */
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
