import { BlockList, isIP } from 'node:net';

/** Addresses that belong to no country, whatever a database says about them. */
const PRIVATE = new BlockList();
const BLOCKS: [network: string, prefixLength: number, family: 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'], // this host
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'], // behind a carrier's NAT
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'], // link-local
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['::', 127, 'ipv6'], // unspecified and loopback
  ['fc00::', 7, 'ipv6'], // unique local
  ['fe80::', 10, 'ipv6'], // link-local
];
for (const [network, prefixLength, family] of BLOCKS) PRIVATE.addSubnet(network, prefixLength, family);

/** 4, 6, or 0 if it is not an address. */
export const familyOf = (address: string): 0 | 4 | 6 => isIP(address) as 0 | 4 | 6;

/** Whether the address is one of a local network. */
export const isPrivate = (address: string, family: 4 | 6): boolean =>
  PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6');
