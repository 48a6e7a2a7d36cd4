/** Writes small files in the MaxMind DB format 2.0, for tests: what a maker of databases does, in a hundred lines. */
import { isIPv4 } from 'node:net';

export type Value = string | number | bigint | boolean | Value[] | { [name: string]: Value };

export interface MmdbOptions {
  /** `GeoLite2-Country` and its like. */
  type: string;
  /** CIDR block to record, e.g. `{ '1.2.3.0/24': { country: { iso_code: 'FR' } } }`. The longer prefix wins. */
  networks: Record<string, Value>;
  ipVersion?: 4 | 6;
  recordSize?: 24 | 28 | 32;
  /** Seconds since 1970. */
  buildEpoch?: number;
}

type Child = Node | Leaf | undefined;
interface Node {
  children: [Child, Child];
}
interface Leaf {
  value: Value;
}
const isNode = (child: Child): child is Node => child !== undefined && 'children' in child;

export function mmdb(options: MmdbOptions): Buffer {
  const { type, networks, ipVersion = 6, recordSize = 24, buildEpoch = 1_700_000_000 } = options;
  const top: Node = { children: [undefined, undefined] };
  const parsed = Object.entries(networks).map(([cidr, value]) => ({ bits: bitsOf(cidr, ipVersion), value }));
  // shorter prefixes first: a longer one then splits them
  for (const { bits, value } of parsed.sort((a, b) => a.bits.length - b.bits.length)) insert(top, bits, { value });

  const nodes: Node[] = [];
  const collect = (node: Node): void => {
    nodes.push(node);
    node.children.filter(isNode).forEach(collect);
  };
  collect(top);

  const data = new DataSection();
  const pointer = (child: Child): number => {
    if (child === undefined) return nodes.length;
    return isNode(child) ? nodes.indexOf(child) : nodes.length + 16 + data.offsetOf(child.value);
  };
  const tree = Buffer.concat(
    nodes.map(({ children: [left, right] }) => record(pointer(left), pointer(right), recordSize)),
  );
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: BigInt(buildEpoch),
    database_type: type,
    description: { en: 'Written by a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: recordSize,
  });
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    data.bytes(),
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ]);
}

function insert(top: Node, bits: number[], leaf: Leaf): void {
  let node = top;
  bits.forEach((bit, index) => {
    if (index === bits.length - 1) {
      node.children[bit as 0 | 1] = leaf;
      return;
    }
    const child = node.children[bit as 0 | 1];
    const next: Node = isNode(child) ? child : { children: [child, child] };
    node.children[bit as 0 | 1] = next;
    node = next;
  });
}

/** The bits of a network. In an IPv6 tree, IPv4 lies below ninety-six zeros. */
function bitsOf(cidr: string, ipVersion: 4 | 6): number[] {
  const [address = '', length] = cidr.split('/');
  const toBits = (value: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => (value >>> (count - 1 - index)) & 1);
  if (isIPv4(address)) {
    const bits = address
      .split('.')
      .flatMap((octet) => toBits(Number(octet), 8))
      .slice(0, Number(length));
    return ipVersion === 6 ? [...new Array<number>(96).fill(0), ...bits] : bits;
  }
  const [head = '', tail = ''] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.flatMap((group) => toBits(parseInt(group, 16), 16)).slice(0, Number(length));
}

function record(left: number, right: number, size: 24 | 28 | 32): Buffer {
  const out = Buffer.alloc(size / 4);
  if (size === 32) {
    out.writeUInt32BE(left, 0);
    out.writeUInt32BE(right, 4);
    return out;
  }
  out.writeUIntBE(left & 0xffffff, 0, 3);
  out.writeUIntBE(right & 0xffffff, out.length - 3, 3);
  if (size === 28) out[3] = ((left >>> 24) << 4) | (right >>> 24);
  return out;
}

class DataSection {
  private readonly chunks: Buffer[] = [];
  private readonly offsets = new Map<Value, number>();
  private length = 0;

  offsetOf(value: Value): number {
    const known = this.offsets.get(value);
    if (known !== undefined) return known;
    const offset = this.length;
    const chunk = encode(value);
    this.offsets.set(value, offset);
    this.chunks.push(chunk);
    this.length += chunk.length;
    return offset;
  }

  bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'boolean') return control(14, value ? 1 : 0);
  if (typeof value === 'bigint') {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return Buffer.concat([control(9, 8), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)]);
  const fields = Object.entries(value);
  return Buffer.concat([
    control(7, fields.length),
    ...fields.flatMap(([name, field]) => [encode(name), encode(field)]),
  ]);
}

/** Type and size of what follows. Types above 7 do not fit into three bits and have a byte of their own. */
function control(type: number, size: number): Buffer {
  if (size > 284) throw new RangeError('This writer knows sizes up to 284');
  const first = Math.min(size, 29);
  const bytes = type > 7 ? [first, type - 7] : [(type << 5) | first];
  if (size >= 29) bytes.push(size - 29);
  return Buffer.from(bytes);
}
