import { BlockList, isIP } from 'node:net';

/** Addresses and CIDR blocks, prepared once. Undefined when one of the texts is neither. */
export function blocksOf(texts: readonly string[]): BlockList | undefined {
  const blocks = new BlockList();
  for (const text of texts) {
    const [address = '', length, rest] = text.trim().split('/');
    const family = isIP(address);
    if (family === 0 || rest !== undefined) return undefined;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (length === undefined) blocks.addAddress(address, type);
    else if (/^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)) {
      blocks.addSubnet(address, Number(length), type);
    } else return undefined;
  }
  return blocks;
}

/** True when the address, as the tracker writes it, is in one of the blocks. */
export function isIn(blocks: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && blocks.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
