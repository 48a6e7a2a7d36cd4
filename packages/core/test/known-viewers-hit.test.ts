import crypto from 'node:crypto';
import type { HttpHit, Policy, TrackerOptions } from '../src/index.js';
import { letIn, must, now, setup, hit } from './support/make.js';

const allow: Policy = { name: 'p', stage: 'authorise', admit: () => ({ allow: true }) };
const bearer = (token: string) => ({ credentials: { scheme: 'bearer', token } as const });
const JWT = `eyJhbGciOiJIUzI1NiJ9.${'x'.repeat(700)}.sig`;
const LONG_AGENT = `Mozilla/5.0 ${'x'.repeat(400)}`;

/** Opens with the first of these hits; each of them is then known. */
function hashesOf(hits: Partial<HttpHit>[], options: TrackerOptions, prepare?: (tracker: Tracker) => void): number {
  const { tracker } = setup({ closedRetentionMs: 0, ...options });
  prepare?.(tracker);
  const each = (): void => hits.forEach((over) => letIn(now(tracker.admit(fresh(over)))).end());
  const record = (): void => hits.forEach((over) => void must(tracker.trackHttp({ ...fresh(over), bytes: 1 })));
  each();
  each();
  const spies = (['createHash', 'createHmac'] as const).map((name) => jest.spyOn(crypto, name));
  const hashes = (): number => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  for (let i = 0; i < 3; i++) {
    each();
    record();
  }
  const count = hashes();
  expect(tracker.stats().openedTotal).toBe(1);
  // it would have been seen: opening hashes
  tracker.trackHttp(hit({ ip: '203.0.113.99', token: 'another' }));
  expect(hashes()).toBeGreaterThan(count);
  spies.forEach((spy) => spy.mockRestore());
  return count;
}
type Tracker = ReturnType<typeof setup>['tracker'];

/** No text is the very object of the hit before. */
const fresh = (over: Partial<HttpHit>): HttpHit => JSON.parse(JSON.stringify(hit(over))) as HttpHit;

const denyOthers = (tracker: Tracker): void => {
  tracker.deny({ token: 'nobody' });
  tracker.deny({ ip: '198.51.100.0/24' });
  tracker.deny({ userAgent: 'x'.repeat(1_000) });
};

describe.each<[string, (tracker: Tracker) => void]>([
  ['no denials', () => undefined],
  ['denials of others', denyOthers],
])('a hit of a known viewer hashes nothing, with %s', (_, prepare) => {
  it.each<[string, Partial<HttpHit>[], TrackerOptions]>([
    ['by its player', [{}], {}],
    ['by its player with a long name', [{ userAgent: LONG_AGENT }], {}],
    ['by a token', [{ token: JWT }], {}],
    ['by a token that is dropped on segments', [{ token: JWT }, {}], {}],
    ['by a token, with two players', [{ token: JWT }, { token: JWT, userAgent: LONG_AGENT }], {}],
    ['by a token that policies judged', [{ token: JWT }], { policies: [allow] }],
    ['by a bearer that policies judged', [bearer(JWT)], { policies: [allow] }],
    ['with several bearers', ['a', 'b', JWT].map(bearer), { policies: [allow] }],
    [
      'with several tokens',
      ['a', 'b', JWT].map((token) => ({ token })),
      { policies: [allow], identity: { viewer: ['stream', 'ip'] } },
    ],
    [
      'on several streams',
      ['a', 'b', 'c'].map((stream) => ({ stream, token: JWT, ...bearer(JWT) })),
      { policies: [allow], identity: { viewer: ['ip', 'token'] } },
    ],
  ])('%s', (_name, hits, options) => expect(hashesOf(hits, options, prepare)).toBe(0));
});
