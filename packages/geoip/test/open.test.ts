import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { StreamSessionsError } from '@stream-sessions/core';
import { openMaxMind } from '@stream-sessions/geoip';
import { mmdb } from './mmdb-writer.js';
import { tempFolder } from './temp-folder.js';

const file = tempFolder();
const networks = { '81.2.69.0/24': { country: { iso_code: 'GB' } } };
const good = () => mmdb({ type: 'GeoLite2-Country', networks });

function withDamagedRecord(): Buffer {
  const content = mmdb({ type: 'GeoLite2-Country', networks: { '8.0.0.0/7': { country: { iso_code: 'US' } } } });
  content[content.indexOf('country') - 1] = 0; // the type of its key: there is no such type
  return content;
}

async function refusal(content: Buffer): Promise<StreamSessionsError> {
  const path = file('test.mmdb');
  writeFileSync(path, content);
  return rejection(path);
}

async function rejection(path: string): Promise<StreamSessionsError> {
  const error: unknown = await openMaxMind(path).then(
    (geo) => {
      geo.close();
      return undefined;
    },
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StreamSessionsError);
  expect(error).toMatchObject({ code: 'ERR_GEOIP_DATABASE' });
  expect((error as Error).message).toContain(path);
  return error as StreamSessionsError;
}

describe('openMaxMind', () => {
  it('rejects when the file is missing, with the cause', async () => {
    const error = await rejection(file('missing.mmdb'));
    expect(error.message).toMatch(/cannot be read/);
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });

  it('rejects a folder', async () => {
    expect((await rejection(file('.'))).cause).toMatchObject({ code: 'EISDIR' });
  });

  it.each([
    ['an empty file', () => Buffer.alloc(0)],
    ['junk', () => Buffer.from('no database at all '.repeat(100))],
    ['zeros', () => Buffer.alloc(4096)],
    ['a file without its end', () => good().subarray(0, -40)],
    ['a file without its beginning', () => good().subarray(400)],
    ['a file without its middle', () => Buffer.concat([good().subarray(0, 300), good().subarray(-240)])],
    ['a file with a record that cannot be read', withDamagedRecord],
    ['metadata alone', () => good().subarray(good().indexOf('\xab\xcd\xefMaxMind.com', 0, 'latin1'))],
    ['a tree with no networks at all', () => mmdb({ type: 'GeoLite2-Country', networks: {} }).subarray(6)],
  ])('rejects %s', async (_, content) => {
    const error = await refusal(content());
    expect(error.message).toMatch(/not a whole MaxMind database/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('rejects a compressed file and says what to do', async () => {
    expect((await refusal(gzipSync(good()))).message).toMatch(/compressed.*gunzip/);
  });

  it.each(['GeoLite2-ASN', 'GeoIP2-ISP', 'GeoIP2-Connection-Type', 'GeoIP2-Anonymous-IP', 'Capacity'])(
    'rejects a %s database, which knows no countries',
    async (type) => {
      const error = await refusal(mmdb({ type, networks: { '81.2.69.0/24': { autonomous_system_number: 20712 } } }));
      expect(error.message).toContain(`"${type}"`);
    },
  );

  it.each([
    'GeoLite2-Country',
    'GeoIP2-City',
    'GeoIP2-City-Europe',
    'GeoIP2-Enterprise',
    'DBIP-Country-Lite',
    'country ipvAll',
    'geo-whois-asn-country ipv4',
  ])('opens a %s database', async (type) => {
    const path = file('test.mmdb');
    writeFileSync(path, mmdb({ type, networks }));
    const geo = await openMaxMind(path);
    expect(geo.country('81.2.69.1')).toBe('GB');
    geo.close();
  });

  it('refuses an unknown option with the likely fix, and a value that makes no sense', async () => {
    const path = file('test.mmdb');
    writeFileSync(path, good());
    await expect(openMaxMind(path, { reloadms: 1 } as object)).rejects.toThrow(/"reloadms".*"reloadMs"/);
    for (const reloadMs of [-1, NaN, Infinity, 2 ** 31, '5' as unknown as number]) {
      await expect(openMaxMind(path, { reloadMs })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    }
  });

  it('closes twice without harm, and knows nothing afterwards', async () => {
    const path = file('test.mmdb');
    writeFileSync(path, good());
    const geo = await openMaxMind(path);
    geo.close();
    geo.close();
    expect(geo.country('81.2.69.1')).toBeUndefined();
  });
});
