import { writeFileSync } from 'node:fs';
import { heldBytes } from '@stream-sessions/core/testing';
import { openMaxMind } from '@stream-sessions/geoip';
import { mmdb } from './mmdb-writer.js';
import { tempFolder } from './temp-folder.js';

const file = tempFolder();
const VIEWERS = 2_000;

/** An address as it is cut from a header: as long as it lives, all of the request does. */
function cut(address: string): string {
  const request = Buffer.alloc(15_000, 'r');
  request.write(address, 'latin1');
  return request.toString('latin1').slice(0, address.length);
}

it('a database keeps nothing of the addresses that it is asked about', async () => {
  const path = file('test.mmdb');
  writeFileSync(
    path,
    mmdb({ type: 'x', networks: { '81.0.0.0/8': { country: 'GB' }, '2a00::/12': { country: 'SE' } } }),
  );
  const geo = await openMaxMind(path, { reloadMs: 0 });
  const ask = (n: number): void => {
    const [high, low] = [n >> 8, n & 255];
    expect(geo.country(cut(`81.${high}.${low}.100:49152`))).toBe('GB');
    expect(geo.country(cut(`[2a00:0:${n.toString(16)}:1234::1%eth0]:49152`))).toBe('SE');
    expect(geo.country(cut(`no address at all, but long: ${n}`.repeat(20)))).toBeUndefined();
  };
  for (let n = 0; n < 100; n++) ask(n);
  const before = heldBytes();
  for (let n = 100; n < VIEWERS; n++) ask(n);
  expect((heldBytes() - before) / VIEWERS).toBeLessThan(200);
  geo.close();
});
