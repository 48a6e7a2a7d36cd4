import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { StreamSessionsError } from '@stream-sessions/core';
import { openMaxMind } from '@stream-sessions/geoip';
import { mmdb, type Value } from './mmdb-writer.js';
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

  it.each<[string, Value, string]>([
    ['GeoLite2-ASN', { autonomous_system_number: 20712 }, 'they have autonomous_system_number'],
    ['GeoIP2-ISP', { isp: 'Andrews & Arnold', organization: 'STONEHOUSE' }, 'they have isp, organization'],
    ['GeoIP2-Connection-Type', { connection_type: 'Cable/DSL' }, 'they have connection_type'],
    ['GeoIP2-Anonymous-IP', { is_anonymous: true }, 'they have is_anonymous'],
    ['ipinfo asn.mmdb', { asn: 'AS20712', name: 'Andrews', domain: 'aa.net.uk' }, 'they have asn, name, domain'],
    ['GeoLite2-Country', { registered_country: { iso_code: 'GB' } }, 'they have registered_country'],
    ['my countries', { country: 'United Kingdom', continent: 'EU' }, 'they have country, continent'],
    ['my countries', { country_code: 'GBR' }, 'they have country_code'],
    ['Country', { country: { iso_code: 'ZZ' } }, 'they have country'],
    ['Country', 'GB', 'it has none'],
    ['GeoLite2-City', [], 'it has none'],
  ])('rejects a %s database whose records are %j, and says what they contain', async (type, record, found) => {
    for (const ipVersion of [4, 6] as const) {
      const { message } = await refusal(mmdb({ type, ipVersion, networks: { '81.2.69.0/24': record } }));
      expect(message).toContain(`is a "${type}" database whose records name no countries (${found})`);
      expect(message).toMatch(/Use one with "country.iso_code", "country_code", or a "country" of two letters\.$/);
    }
  });

  // as these makers publish them, field for field
  it.each<[string, Value]>([
    ['GeoLite2-Country', { continent: { code: 'EU' }, country: { geoname_id: 2635167, iso_code: 'GB' } }],
    ['GeoIP2-City', { city: { names: { en: 'London' } }, country: { iso_code: 'GB' } }],
    ['GeoIP2-Enterprise', { country: { confidence: 99, iso_code: 'GB' } }],
    ['DBIP-Country-Lite', { continent: { code: 'EU' }, country: { is_in_european_union: false, iso_code: 'GB' } }],
    ['DBIP-Location-ISP (compat=Enterprise)', { country: { iso_code: 'GB' }, traits: { isp: 'A' } }],
    ['IP2LITE-Country', { country: { iso_code: 'GB' } }],
    [
      'ipinfo ipinfo_lite.mmdb',
      {
        ...{ as_domain: 'aa.net.uk', as_name: 'Andrews & Arnold', asn: 'AS20712', continent: 'Europe' },
        ...{ continent_code: 'EU', country: 'United Kingdom', country_code: 'GB' },
      },
    ],
    [
      'ipinfo country.mmdb',
      { continent: 'EU', continent_name: 'Europe', country: 'GB', country_name: 'United Kingdom' },
    ],
    ['ipinfo standard_location.mmdb', { city: 'London', country: 'GB', lat: '51.5', region: 'England' }],
    ['country ipvAll', { country_code: 'GB' }],
    ['geo-whois-asn-country ipv4', { country_code: 'gb' }],
    ['', { country: 'GB' }],
  ])('opens a %s database by the content of its records', async (type, record) => {
    for (const ipVersion of [4, 6] as const) {
      const path = file('test.mmdb');
      writeFileSync(path, mmdb({ type, ipVersion, networks: { '81.2.69.0/24': record } }));
      const geo = await openMaxMind(path);
      expect(geo.country('81.2.69.1')).toBe('GB');
      geo.close();
    }
  });

  it('finds the countries wherever the networks are in the tree', async () => {
    const places = ['223.255.255.255/32', '255.255.255.255/32', '2003::/32', '3fff:ffff:ffff::/48', 'ffff:ffff::/128'];
    for (const place of places) {
      const path = file('test.mmdb');
      writeFileSync(path, mmdb({ type: 'x', networks: { '1.0.0.0/24': { asn: 5 }, [place]: { country: 'GB' } } }));
      const geo = await openMaxMind(path);
      geo.close();
    }
  });

  it('finds countries among many records without one, and behind a damaged record', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n): [string, Value] => [`20.${n >> 8}.${n & 255}.0/24`, { asn: n }]),
    );
    const content = mmdb({
      type: 'x',
      networks: { '8.0.0.0/24': { damage: 1 }, ...many, '81.2.69.0/24': { country: 'GB' } },
    });
    content[content.indexOf('damage') - 1] = 0;
    const path = file('test.mmdb');
    writeFileSync(path, content);
    const geo = await openMaxMind(path);
    expect(geo.country('81.2.69.1')).toBe('GB');
    geo.close();
  });

  it('names some of the fields if there are many', async () => {
    const networks = Object.fromEntries(
      Array.from({ length: 200 }, (_, n): [string, Value] => [`20.0.${n}.0/24`, { [`field${n}`]: n }]),
    );
    const { message } = await refusal(mmdb({ type: 'x', networks }));
    expect(message).toContain('(they have field0, field1, field2, field3, field4, field5, field6, field7)');
  });

  it('refuses an unknown option with the likely fix, and an invalid value', async () => {
    const path = file('test.mmdb');
    writeFileSync(path, good());
    for (const none of [undefined, '', {}] as never[]) {
      await expect(openMaxMind(none)).rejects.toThrow(/^openMaxMind: the first argument must be the path of a file/);
    }
    await expect(openMaxMind(path, { reloadms: 1 } as object)).rejects.toThrow(/"reloadms".*"reloadMs"/);
    for (const reloadMs of [-1, NaN, Infinity, 2 ** 31, '5' as unknown as number]) {
      await expect(openMaxMind(path, { reloadMs })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
    }
    for (const logger of [null, 'console', {}, { info: () => undefined }] as never[]) {
      await expect(openMaxMind(path, { logger })).rejects.toThrow(/^logger must be/);
    }
  });

  it('can be closed twice, and knows nothing afterwards', async () => {
    const path = file('test.mmdb');
    writeFileSync(path, good());
    const geo = await openMaxMind(path);
    geo.close();
    geo.close();
    expect(geo.country('81.2.69.1')).toBeUndefined();
  });
});
