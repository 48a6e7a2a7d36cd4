import { isIPv6, SocketAddress } from 'node:net';

/** Room for the longest address: IPv6. */
export const ADDRESS_BYTES = 28;

/** C's constant for IPv6 differs between systems; that for IPv4 does not. */
const AF_INET = 2;
const AF_INET6 = process.platform === 'darwin' ? 30 : process.platform === 'win32' ? 23 : 10;

/** An address and port. */
export interface SrtAddress {
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

/** A C `sockaddr_in` or `sockaddr_in6`. @throws Error if it is not an IP address */
export function encodeAddress(host: string, port: number): Buffer {
  const isV6 = isIPv6(host);
  const family = isV6 ? AF_INET6 : AF_INET;
  const buffer = Buffer.alloc(isV6 ? ADDRESS_BYTES : 16);
  // BSD has a length byte before the family byte
  if (process.platform === 'darwin') buffer.set([buffer.length, family]);
  else buffer.writeUInt16LE(family, 0);
  buffer.writeUInt16BE(port, 2);
  if (isV6) buffer.set(ipv6Bytes(host), 8);
  else buffer.set(host.split('.').map(Number), 4);
  return buffer;
}

/** Decodes an address written by libsrt. IPv4-mapped IPv6 addresses become IPv4. */
export function decodeAddress(buffer: Buffer): SrtAddress {
  const family = process.platform === 'darwin' ? (buffer[1] as number) : buffer.readUInt16LE(0);
  const port = buffer.readUInt16BE(2);
  if (family === AF_INET) return { address: buffer.subarray(4, 8).join('.'), port, family: 'IPv4' };
  const bytes = buffer.subarray(8, 24);
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff;
  if (mapped) return { address: bytes.subarray(12).join('.'), port, family: 'IPv4' };
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':');
  // normalised to Node's spelling
  const { address } = new SocketAddress({ address: groups, family: 'ipv6' });
  return { address, port, family: 'IPv6' };
}

function ipv6Bytes(host: string): Buffer {
  const bare = host.split('%', 1)[0] as string;
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare);
  const hex = (a = '0', b = '0') => ((Number(a) << 8) | Number(b)).toString(16);
  const plain = v4 ? `${v4[1]}${hex(v4[2], v4[3])}:${hex(v4[4], v4[5])}` : bare;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last];
  const bytes = Buffer.alloc(16);
  all.forEach((group, i) => bytes.writeUInt16BE(parseInt(group, 16), i * 2));
  return bytes;
}
