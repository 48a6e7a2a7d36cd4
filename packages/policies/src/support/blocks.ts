import { BlockList, isIP } from 'node:net';
import { normaliseAddress } from '@stream-sessions/core/spi';

/** Addresses and CIDR blocks, prepared once. Undefined if one of the texts is neither. */
export function blocksOf(texts: readonly string[]): BlockList | undefined {
  const blocks = new BlockList();
  for (const text of texts) {
    const [raw = '', length, rest] = text.trim().split('/');
    if (isIP(raw) === 0 || rest !== undefined) return undefined;
    // In the form in which the tracker gives a viewer's address: IPv4 in IPv6 is IPv4, and a zone is ignored.
    const address = normaliseAddress(raw);
    const type = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (length === undefined) {
      blocks.addAddress(address, type);
      continue;
    }
    const prefix = /^\d{1,3}$/.test(length) ? Number(length) - (type === 'ipv4' && raw.includes(':') ? 96 : 0) : -1;
    if (prefix < 0 || prefix > (type === 'ipv4' ? 32 : 128)) return undefined;
    blocks.addSubnet(address, prefix, type);
  }
  return blocks;
}

/** True if the address, in the tracker's form, is in one of the blocks. */
export function isIn(blocks: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && blocks.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
