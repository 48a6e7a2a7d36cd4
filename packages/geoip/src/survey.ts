import type { Reader, Response } from 'maxmind';
import { countryOf } from './record.js';

/** The number of networks examined in each half of a tree: that takes a tenth of a second, and is enough to find a country. */
const MAX_NETWORKS = 2_000;
/** Assumed if a record cannot be read, since the size of its network is then unknown. */
const USUAL_PREFIX = { 4: 24n, 6: 48n };
/** The most field names reported. */
const MAX_FIELDS = 8;

/**
 * Determines from its records whether a database contains countries, because vendors choose their own file names. Walks from
 * network to network and stops at the first that names a country.
 *
 * @returns undefined if it does; otherwise the names of the fields in its records
 */
export function fieldsInstead(reader: Reader<Response>): readonly string[] | undefined {
  const fields = new Set<string>();
  const walks = reader.metadata.ipVersion === 4 ? [recordsOf(reader, 4)] : [recordsOf(reader, 4), recordsOf(reader, 6)];
  for (const records of walks) {
    for (const record of records) {
      if (countryOf(record) !== undefined) return undefined;
      for (const field of fieldsOf(record)) if (fields.size < MAX_FIELDS) fields.add(field);
    }
  }
  return [...fields];
}

const fieldsOf = (record: unknown): string[] =>
  typeof record === 'object' && record !== null ? Object.keys(record) : [];

function* recordsOf(reader: Reader<Response>, family: 4 | 6): Generator<unknown> {
  const bits = family === 4 ? 32n : 128n;
  // outside 2000::/3 there are only the IPv4 networks again
  let address = family === 4 ? 0n : 1n << 125n;
  for (let n = 0; n < MAX_NETWORKS && address < 1n << bits; n++) {
    let prefix = USUAL_PREFIX[family];
    try {
      const [record, length] = reader.getWithPrefixLength(family === 4 ? ipv4(address) : ipv6(address));
      prefix = BigInt(length);
      if (record !== null) yield record;
    } catch {
      // one damaged record does not condemn the database
    }
    const size = 1n << (bits - prefix);
    address = (address / size + 1n) * size;
  }
}

const ipv4 = (address: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');

const ipv6 = (address: bigint): string => (address.toString(16).padStart(32, '0').match(/.{4}/g) as string[]).join(':');
