import { readFile } from 'node:fs/promises';
import { Reader, type Response } from 'maxmind';
import { normaliseAddress } from '@stream-sessions/core/spi';
import { StreamSessionsError } from '@stream-sessions/core';
import { countryOf } from './record.js';
import { familyOf, isPrivate } from './private-address.js';
import { fieldsInstead } from './survey.js';

/** One loaded file. */
export interface CountryDatabase {
  /** The type that the file declares: `GeoLite2-City`. */
  readonly type: string;
  /** When the file was built, in epoch milliseconds. */
  readonly builtAt: number;
  /** Never throws. */
  country(ip: string): string | undefined;
}

/** Every file has sixteen zero bytes between the tree and the data. */
const SEPARATOR_BYTES = 16;

/**
 * Reads a file into memory and checks that it is usable.
 *
 * @throws StreamSessionsError ERR_GEOIP_DATABASE
 */
export async function loadDatabase(path: string): Promise<CountryDatabase> {
  const file = await readFile(path).catch((cause: unknown) => {
    throw unusable(path, 'cannot be read. Check the path and the permissions', cause);
  });
  if (file[0] === 0x1f && file[1] === 0x8b) throw unusable(path, 'is compressed. Unpack it first: gunzip, or tar xzf');
  let reader: Reader<Response>;
  try {
    reader = new Reader(file);
    assertWhole(file, reader);
  } catch (cause) {
    throw unusable(path, 'is not a whole MaxMind database (.mmdb). Download it again', cause);
  }
  const { databaseType, buildEpoch, ipVersion } = reader.metadata;
  const others = fieldsInstead(reader);
  if (others !== undefined) {
    const found = others.length === 0 ? 'it has none' : `they have ${others.join(', ')}`;
    throw unusable(
      path,
      `is a "${databaseType}" database whose records name no countries (${found}). ` +
        'Use one with "country.iso_code", "country_code", or a "country" of two letters',
    );
  }
  return {
    type: databaseType,
    builtAt: buildEpoch.getTime(),
    country(ip) {
      try {
        const address = normaliseAddress(ip);
        const family = familyOf(address);
        // An IPv4 tree would interpret the first 32 bits of an IPv6 address as an IPv4 address.
        if (family === 0 || (family === 6 && ipVersion === 4) || isPrivate(address, family)) return undefined;
        return countryOf(reader.get(address));
      } catch {
        return undefined; // a damaged record must not cause a crash
      }
    },
  };
}

/** The library trusts the description at the end of the file; this checks that the rest is there, too. */
function assertWhole(file: Buffer, reader: Reader<Response>): void {
  const { databaseType, searchTreeSize, nodeCount, ipVersion } = reader.metadata;
  const separator = file.subarray(searchTreeSize, searchTreeSize + SEPARATOR_BYTES);
  const isWhole = separator.length === SEPARATOR_BYTES && separator.every((byte) => byte === 0);
  const isDescribed = typeof databaseType === 'string' && nodeCount > 0 && (ipVersion === 4 || ipVersion === 6);
  if (!isWhole || !isDescribed) throw new Error('The search tree is damaged');
  // looks up a few records, which throws if one is damaged
  for (const probe of ['1.1.1.1', '8.8.8.8', '193.0.0.1']) reader.get(probe);
}

function unusable(path: string, problem: string, cause?: unknown): StreamSessionsError {
  return new StreamSessionsError('ERR_GEOIP_DATABASE', `The GeoIP database ${path} ${problem}.`, { cause });
}
