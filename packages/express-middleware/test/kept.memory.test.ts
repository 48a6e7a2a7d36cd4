import type { HttpHit } from '@stream-sessions/core';
import { RecentMap } from '@stream-sessions/core/spi';
import { heldBytes } from '@stream-sessions/core/testing';
import { ManifestMemory } from '../src/media/manifest-memory.js';
import { CookieTokens } from '../src/tokens/cookie.js';

const ENTRIES = 5_000;
const LONG = 'x'.repeat(15_000);
/** A header as Node hands it over: a piece of a larger text, and as long as one may be. */
const header = (i: number, length = 15_000): string => `GET /${i} ${i}-${LONG}`.slice(5).slice(0, length);

/** What one entry costs, keys and all, when every text in it is unique and as long as a client can make it. */
function bytesAnEntry(fill: (i: number) => void, entries = ENTRIES): number {
  const before = heldBytes();
  for (let i = 0; i < entries; i++) fill(i);
  return (heldBytes() - before) / entries;
}

describe('what is kept about strangers', () => {
  it('in the manifest memory is bounded, whatever their names', () => {
    const memory = new ManifestMemory();
    const viewer = (i: number) => ({
      stream: header(i, 256),
      ip: header(i, 45),
      name: header(i),
      userAgent: header(i),
    });
    // two entries each: by name, and by User-Agent
    expect(bytesAnEntry((i) => memory.remember(viewer(i), 'hls'))).toBeLessThan(2 * 600);
    expect(memory.recall(viewer(ENTRIES - 1))).toBe('hls');
    expect(bytesAnEntry((i) => memory.recall(viewer(i)))).toBeLessThan(50);
  });

  it('in the table of written cookies is bounded', () => {
    const cookies = new CookieTokens('tkn');
    const hit = (i: number): HttpHit => ({ stream: 'cam1', protocol: 'hls', ip: header(i, 45), userAgent: header(i) });
    expect(bytesAnEntry((i) => cookies.give(hit(i)))).toBeLessThan(600);
    expect(cookies.give(hit(ENTRIES - 1))).toBe(cookies.give(hit(ENTRIES - 1)));
    expect(cookies.give({ ...hit(1), userAgent: `${LONG}a` })).not.toBe(
      cookies.give({ ...hit(1), userAgent: `${LONG}b` }),
    );
  });

  it('is forgotten when it becomes too much', () => {
    const map = new RecentMap<number>({ max: 1000 });
    expect(bytesAnEntry((i) => map.set(header(i, 1000), i)) * ENTRIES).toBeLessThan(2000 * 1200);
    expect(map.get(header(0, 1000))).toBeUndefined();
    expect(map.get(header(4999, 1000))).toBe(4999);
  });
});
