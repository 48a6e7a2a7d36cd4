import { writeFileSync } from 'node:fs';
import { openMaxMind, type MaxMindResolver } from '@stream-sessions/geoip';
import { mmdb, type MmdbOptions } from './mmdb-writer.js';
import { tempFolder } from './temp-folder.js';

const file = tempFolder();
const opened: MaxMindResolver[] = [];
afterEach(() => opened.splice(0).forEach((geo) => geo.close()));

async function open(options: MmdbOptions): Promise<MaxMindResolver> {
  const path = file('test.mmdb');
  writeFileSync(path, mmdb(options));
  const geo = await openMaxMind(path);
  opened.push(geo);
  return geo;
}

const iso = (code: string) => ({ country: { iso_code: code } });

describe('country() of a GeoLite2-Country database', () => {
  const networks = {
    '81.2.69.0/24': iso('GB'),
    '81.2.69.160/27': iso('FR'),
    '2a02:ff80::/32': iso('SE'),
    '10.0.0.0/8': iso('DE'),
    '127.0.0.0/8': iso('DE'),
    'fd00::/8': iso('DE'),
  };

  it.each([24, 28, 32] as const)(
    'tells the country of the longest matching network (%i bit records)',
    async (recordSize) => {
      const geo = await open({ type: 'GeoLite2-Country', networks, recordSize });
      expect(geo.country('81.2.69.1')).toBe('GB');
      expect(geo.country('81.2.69.161')).toBe('FR');
      expect(geo.country('2a02:ff80::1')).toBe('SE');
    },
  );

  it('reads addresses as transports spell them: mapped, with port, brackets or zone', async () => {
    const geo = await open({ type: 'GeoLite2-Country', networks });
    for (const spelling of [
      '::ffff:81.2.69.1',
      '::FFFF:5102:4501',
      '0:0:0:0:0:ffff:81.2.69.1',
      '81.2.69.1:9000',
      '[::ffff:81.2.69.1]:9000',
    ]) {
      expect([spelling, geo.country(spelling)]).toEqual([spelling, 'GB']);
    }
    for (const spelling of ['[2a02:ff80::1]:443', '[2a02:ff80::1]', '2a02:ff80::1%eth0', '2A02:FF80:0:0:0:0:0:1']) {
      expect([spelling, geo.country(spelling)]).toEqual([spelling, 'SE']);
    }
  });

  it('knows no country of an address that no network holds', async () => {
    const geo = await open({ type: 'GeoLite2-Country', networks });
    expect(geo.country('9.9.9.9')).toBeUndefined();
    expect(geo.country('2001:db8::1')).toBeUndefined();
  });

  it('knows no country of a private address, even when the database names one', async () => {
    const geo = await open({ type: 'GeoLite2-Country', networks });
    for (const address of [
      '10.1.2.3',
      '127.0.0.1',
      '::1',
      '::',
      'fd00::1',
      'fe80::1%eth0',
      '::ffff:10.1.2.3',
      '192.168.1.1',
      '172.31.0.1',
      '100.64.0.1',
      '169.254.1.1',
      '0.0.0.0',
    ]) {
      expect([address, geo.country(address)]).toEqual([address, undefined]);
    }
  });

  it('returns undefined for anything but an address, and never throws', async () => {
    const geo = await open({ type: 'GeoLite2-Country', networks });
    const garbage = [
      '',
      ' ',
      'localhost',
      'unix:',
      '81.2.69',
      '81.2.69.256',
      '81.2.69.1/24',
      ':::',
      '[',
      '[]:1',
      '%',
      '1'.repeat(10_000),
      '\0',
      '::ffff:81.2.69.999',
    ];
    for (const text of garbage) expect([text, geo.country(text)]).toEqual([text, undefined]);
    for (const value of [undefined, null, 42, {}, []]) expect(geo.country(value as string)).toBeUndefined();
  });
});

describe('country() of other databases', () => {
  it('reads a City database', async () => {
    const london = {
      city: { names: { en: 'London' } },
      country: { geoname_id: 2635167, iso_code: 'GB', is_in_european_union: false },
      location: { time_zone: 'Europe/London' },
      subdivisions: [{ iso_code: 'ENG' }],
    };
    const geo = await open({ type: 'GeoLite2-City', networks: { '81.2.69.0/24': london } });
    expect(geo.country('81.2.69.1')).toBe('GB');
  });

  it('reads flat country_code records, in any case', async () => {
    const geo = await open({ type: 'country ipvAll', networks: { '81.2.69.0/24': { country_code: 'gb' } } });
    expect(geo.country('81.2.69.1')).toBe('GB');
  });

  it('reads flat records if the country is a code, and not if it is a name', async () => {
    const geo = await open({
      type: 'ipinfo',
      networks: {
        '81.2.69.0/24': { country: 'jp', country_name: 'Japan' },
        '81.2.70.0/24': { country: 'Japan', country_code: 'JP' },
        '81.2.71.0/24': { country: 'Japan' },
        '81.2.72.0/24': { country: 'GB', country_code: 'FR' },
        '81.2.73.0/24': { country: { iso_code: 'SE' }, country_code: 'FR' },
      },
    });
    const said = [69, 70, 71, 72, 73].map((net) => geo.country(`81.2.${net}.1`));
    expect(said).toEqual(['JP', 'JP', undefined, 'FR', 'SE']);
  });

  it('reads an IPv4 database, and does not mistake the head of an IPv6 address for an IPv4 address', async () => {
    // 32.1.13.184 is how 2001:db8:: begins
    const geo = await open({
      type: 'country ipv4',
      ipVersion: 4,
      networks: { '81.2.69.0/24': iso('GB'), '32.1.0.0/16': iso('US') },
    });
    expect(geo.country('81.2.69.1')).toBe('GB');
    expect(geo.country('::ffff:81.2.69.1')).toBe('GB');
    expect(geo.country('32.1.13.184')).toBe('US');
    expect(geo.country('2001:db8::1')).toBeUndefined();
  });

  it('does not return the registered country as the country', async () => {
    const geo = await open({
      type: 'GeoLite2-Country',
      networks: { '81.2.69.0/24': { registered_country: { iso_code: 'US' } }, '81.2.70.0/24': iso('FR') },
    });
    expect(geo.country('81.2.69.1')).toBeUndefined();
  });

  it.each([['ZZ'], ['None'], [''], ['G'], ['-'], [42], [['GB']], [true]])(
    'knows no country if the record says %j',
    async (code) => {
      const geo = await open({
        type: 'GeoLite2-Country',
        networks: {
          '81.2.69.0/24': { country: { iso_code: code } },
          '81.2.70.0/24': { country_code: code },
          '81.2.71.0/24': { country: code },
          '81.2.72.0/24': iso('FR'),
        },
      });
      for (const ip of ['81.2.69.1', '81.2.70.1', '81.2.71.1']) expect(geo.country(ip)).toBeUndefined();
    },
  );

  it('knows no country if the record is not even a map, or is damaged', async () => {
    const networks = { '81.2.69.0/24': 'GB', '81.2.70.0/24': iso('FR'), '81.2.71.0/24': { country_code: 'SE' } };
    const intact = mmdb({ type: 'GeoLite2-Country', networks });
    const path = file('damaged.mmdb');
    // the key of the second record gets a type that does not exist
    intact[intact.indexOf('country') - 1] = 0;
    writeFileSync(path, intact);
    const geo = await openMaxMind(path);
    opened.push(geo);
    expect(geo.country('81.2.69.1')).toBeUndefined();
    expect(geo.country('81.2.70.1')).toBeUndefined();
  });
});
