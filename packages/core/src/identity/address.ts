import { isIP, isIPv4, isIPv6 } from 'node:net';
import { RecentMap } from '../collections/recent-map.js';
import { ownCopy } from '../support/strings.js';

/** Anything that is not an address (a name, a Unix socket) is kept as it is, up to this length. */
const MAX_ADDRESS_LENGTH = 64;
const REMEMBERED = 8_192;

/**
 * Reads addresses as transports spell them: strips port, brackets and zone, turns IPv4-mapped IPv6 into IPv4, and gives
 * IPv6 a single spelling (RFC 5952). IPv4, the common case, passes without work; IPv6 is read once and remembered.
 */
export class AddressReader {
  private readonly addresses = new RecentMap<string>({ max: REMEMBERED });
  private readonly networks = new RecentMap<string>({ max: REMEMBERED });

  constructor(readonly ipv6PrefixLength: number) {}

  /** The bare address; '' for a socket that no longer knows its peer. */
  address(raw: string | undefined): string {
    if (!raw) return '';
    if (!raw.includes(':') && raw.length <= MAX_ADDRESS_LENGTH) return raw;
    // An IPv4 address with a port is parsed directly: remembering is useless, because nobody comes twice from one port.
    const colon = raw.indexOf(':');
    if (raw.indexOf(':', colon + 1) < 0) {
      const host = raw.slice(0, colon);
      return isIPv4(host) ? host : normaliseAddress(raw);
    }
    // Anything too long for an address is not remembered, or thousands of long texts would be kept.
    if (raw.length > MAX_ADDRESS_LENGTH) return normaliseAddress(raw);
    return this.addresses.get(raw) ?? this.addresses.set(raw, normaliseAddress(raw));
  }

  /** What counts as one place in keys, caps and denials: an IPv4 address, or an IPv6 network. Takes a normalised address. */
  network(address: string): string {
    if (!address.includes(':')) return address;
    return this.networks.get(address) ?? this.networks.set(address, networkOf(address, this.ipv6PrefixLength));
  }
}

/** A single spelling for every way to write an address: `1.2.3.4:9000`, `[::1]:9000`, `::ffff:1.2.3.4`, `fe80::1%eth0`. */
export function normaliseAddress(raw: string): string {
  let text = raw.trim();
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text);
  if (bracketed) text = bracketed[1] as string;
  else if (/^[^:]*:\d+$/.test(text)) text = text.slice(0, text.indexOf(':'));
  const zoneAt = text.indexOf('%');
  if (zoneAt >= 0) text = text.slice(0, zoneAt);
  if (!isIPv6(text)) return ownCopy(text.slice(0, MAX_ADDRESS_LENGTH));
  const groups = parseIPv6(text);
  return mappedIPv4(groups) ?? formatIPv6(groups);
}

/** The network of this prefix length that contains the address, as `first address/length`. */
export function networkOf(address: string, prefixLength: number): string {
  if (isIPv4(address)) {
    const mask = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
    const network = (ipv4ToNumber(address) & mask) >>> 0;
    return `${network >>> 24}.${(network >>> 16) & 255}.${(network >>> 8) & 255}.${network & 255}/${prefixLength}`;
  }
  if (!isIPv6(address)) return address;
  const groups = parseIPv6(address).map((group, index) => {
    const bits = Math.min(16, Math.max(0, prefixLength - index * 16));
    return group & (0xffff << (16 - bits)) & 0xffff;
  });
  return `${formatIPv6(groups)}/${prefixLength}`;
}

/** A block of addresses: `10.0.0.0/8`, `2001:db8::/32`. */
export interface Block {
  readonly address: string;
  readonly prefixLength: number;
}

/** Parses an address or CIDR block; undefined when it is neither. A plain address has no `prefixLength`. */
export function parseBlock(text: string): { address: string; prefixLength?: number } | undefined {
  const slash = text.indexOf('/');
  const address = normaliseAddress(slash < 0 ? text : text.slice(0, slash));
  const family = isIP(address);
  if (family === 0) return undefined;
  if (slash < 0) return { address };
  const length = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length)) return undefined;
  // A block written as ::ffff:10.0.0.0/104 is the IPv4 block 10.0.0.0/8.
  const prefixLength = Number(length) - (family === 4 && text.includes(':') ? 96 : 0);
  if (prefixLength < 0 || prefixLength > (family === 4 ? 32 : 128)) return undefined;
  return { address, prefixLength };
}

function ipv4ToNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function parseIPv6(text: string): number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const ipv4 = ipv4ToNumber(dotted[2] as string);
    text = `${dotted[1]}${(ipv4 >>> 16).toString(16)}:${(ipv4 & 0xffff).toString(16)}`;
  }
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => parseInt(group, 16));
}

function mappedIPv4(groups: readonly number[]): string | undefined {
  const [high, low] = [groups[6] as number, groups[7] as number];
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return mapped ? `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}` : undefined;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as `::`. */
function formatIPv6(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
