import fc from 'fast-check';
import {
  mistServerIdentity,
  openStreamerIdentity,
  type HttpHit,
  type IdentityField,
  type SessionKind,
} from '../src/index.js';
import { conn, hit, live, must, setup } from './support/make.js';

const FIELDS: IdentityField[] = ['stream', 'ip', 'token', 'protocol', 'userAgent'];
const RECIPES = Array.from({ length: 32 }, (_, bits) => FIELDS.filter((_field, i) => bits & (1 << i)));
const KINDS: SessionKind[] = ['viewer', 'input', 'output', 'unspecified'];

const value = fc.constantFrom('a', 'b', 'bc', 'c', 'ab', '1:a', ',', 'ü', '__proto__');
const facts = fc.record({
  stream: value,
  ip: fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:db8:0:1::1'),
  token: value,
  protocol: value,
  userAgent: value,
});

describe.each(KINDS)('a recipe for kind %s', (kind) => {
  it('makes two hits one session exactly if they agree in all its fields', () => {
    fc.assert(
      fc.property(fc.constantFrom(...RECIPES), facts, facts, fc.subarray(FIELDS), (recipe, one, other, differing) => {
        const two = { ...one, ...Object.fromEntries(differing.map((field) => [field, other[field]])) };
        const { tracker } = setup({ identity: { [kind]: recipe, aliases: false } });
        const sessions = [one, two].map((over) => tracker.trackHttp(hit({ kind, ...over })));
        if (kind === 'unspecified' && recipe.length === 0) return expect(sessions).toEqual([null, null]);
        const agree = recipe.every((field) => one[field] === two[field]);
        expect(live(tracker)).toHaveLength(agree ? 1 : 2);
        expect(sessions[0]?.id === sessions[1]?.id).toBe(agree);
        // and again: everybody finds their own
        expect([one, two].map((over) => tracker.trackHttp(hit({ kind, ...over }))?.id)).toEqual(
          sessions.map((session) => session?.id),
        );
        expect(tracker.stats().openedTotal).toBe(agree ? 1 : 2);
        return undefined;
      }),
      { numRuns: 300 },
    );
  });
});

it.each(KINDS)(
  'each of the 32 recipes for kind %s: one differing field makes two sessions exactly if it is in the recipe',
  (kind) => {
    const one = { stream: 'a', ip: '10.0.0.1', token: 't', protocol: 'hls', userAgent: 'x' };
    const other = { stream: 'b', ip: '10.0.0.2', token: 'u', protocol: 'dash', userAgent: 'y' };
    for (const recipe of RECIPES.filter((fields) => kind !== 'unspecified' || fields.length > 0)) {
      for (const field of FIELDS) {
        const { tracker } = setup({ identity: { [kind]: recipe, aliases: false } });
        for (const over of [one, { ...one, [field]: other[field] }]) tracker.trackHttp(hit({ kind, ...over }));
        expect([recipe, field, live(tracker).length]).toEqual([recipe, field, recipe.includes(field) ? 2 : 1]);
      }
    }
  },
);

describe('kinds', () => {
  it('never merge, whatever the recipe', () => {
    for (const recipe of RECIPES) {
      const identity = { viewer: recipe, input: recipe, output: recipe, unspecified: ['token'] } as const;
      const { tracker } = setup({ identity });
      for (const kind of KINDS) for (let i = 0; i < 2; i++) tracker.trackHttp(hit({ kind, token: 'x' }));
      expect(
        live(tracker)
          .map((session) => session.kind)
          .sort(),
      ).toEqual(['input', 'output', 'unspecified', 'viewer']);
    }
  });

  it('leave no trace when unspecified, by default', () => {
    const { tracker } = setup();
    expect(tracker.trackHttp(hit({ kind: 'unspecified' }))).toBeNull();
    expect(() => tracker.trackHttp(hit({ kind: 'guest' as never }))).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_HIT' }),
    );
  });
});

describe('ids', () => {
  it('are the same for the same viewer, on every tracker and after every absence', () => {
    const ids = [setup(), setup({ fingerprintKey: 'other' })].map(({ tracker, clock }) => {
      const first = must(tracker.trackHttp(hit({ token: 'a' })));
      tracker.kick(first.id, { denyForMs: 0 });
      const again = must(tracker.trackHttp(hit({ token: 'a' })));
      expect(again.id).toBe(first.id);
      expect(again.openedAt).toBeGreaterThan(first.openedAt);
      expect(tracker.get(first.id)?.closedAt).toBeUndefined();
      clock.advance(60_000);
      expect(tracker.get(first.id)).toMatchObject({ openedAt: again.openedAt, closeReason: expect.any(String) });
      return first.id;
    });
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  it('differ even if the fields would read the same when joined', () => {
    const { tracker } = setup({ identity: { viewer: ['stream', 'protocol', 'userAgent'] } });
    const ids = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['abc', ''],
      ['', 'abc'],
    ].map(([protocol = '', userAgent = '']) => tracker.trackHttp(hit({ protocol, userAgent }))?.id);
    expect(new Set(ids).size).toBe(4);
  });

  it('start the next visit a millisecond later for a viewer who comes back within one', () => {
    const { tracker, clock } = setup();
    for (let i = 0; i < 3; i++) {
      tracker.kick(must(tracker.trackHttp(hit({ bytes: 5 }))).id, { denyForMs: 0 });
    }
    expect(
      tracker
        .list({ visits: 'all' })
        .map(({ openedAt, bytes, startedAt }) => [openedAt - clock.now(), bytes, startedAt === undefined]),
    ).toEqual([
      [0, 5, false],
      [1, 5, false],
      [2, 5, false],
    ]);
  });
});

describe('presets', () => {
  it('openStreamerIdentity tells protocols, players and connections apart', () => {
    const { tracker } = setup({ identity: openStreamerIdentity });
    for (const over of [{}, { protocol: 'dash' }, { userAgent: 'x' }, { token: 'a' }, { token: 'a' }])
      tracker.trackHttp(hit(over));
    for (let i = 0; i < 2; i++) tracker.openConn(conn({ token: 'a' }));
    expect(live(tracker)).toHaveLength(6);
  });

  it('mistServerIdentity merges protocols and connections with the same token', () => {
    const { tracker } = setup({ identity: mistServerIdentity });
    for (const over of [{ token: 'a' }, { token: 'a', protocol: 'dash' }]) tracker.trackHttp(hit(over));
    for (let i = 0; i < 2; i++) tracker.openConn(conn({ token: 'a' }));
    expect(live(tracker)).toMatchObject([{ protocols: ['hls', 'dash', 'rtmp'], connections: 2 }]);
  });

  it('are plain JSON', () => {
    for (const preset of [mistServerIdentity, openStreamerIdentity]) {
      expect(JSON.parse(JSON.stringify(preset))).toEqual(preset);
    }
  });
});

describe('addresses', () => {
  it('of one /64, or of the configured length, are one viewer, and are shown in full', () => {
    for (const [ipv6PrefixLength, count] of [
      [64, 1],
      [128, 2],
    ] as const) {
      const { tracker } = setup({ identity: { ipv6PrefixLength } });
      for (const ip of ['2001:db8::1', '2001:DB8::2', '2001:db8:0:0::2%eth0']) tracker.trackHttp(hit({ ip }));
      expect(live(tracker)).toHaveLength(count);
      expect(
        live(tracker)
          .flatMap(({ ips }) => ips)
          .sort(),
      ).toEqual(['2001:db8::1', '2001:db8::2']);
    }
    const { tracker } = setup();
    for (const ip of ['203.0.113.7', '::ffff:203.0.113.7']) tracker.trackHttp(hit({ ip }));
    expect(live(tracker)).toMatchObject([{ ip: '203.0.113.7', ips: ['203.0.113.7'] }]);
  });
});

describe('a changed recipe', () => {
  it('applies to new hits: live sessions stay, end, and may be found again', () => {
    const { tracker, clock } = setup();
    const over: Partial<HttpHit> = { token: 'a' };
    const old = must(tracker.trackHttp(hit(over)));
    tracker.updateConfig({ identity: { viewer: ['stream'] } });
    const shared = must(tracker.trackHttp(hit({ token: 'b' })));
    expect(tracker.trackHttp(hit({ ip: '10.9.9.9', userAgent: 'x' }))?.id).toBe(shared.id);
    tracker.updateConfig({ identity: {} });
    expect(tracker.trackHttp(hit(over))?.id).toBe(old.id);
    clock.advance(40_000);
    expect(tracker.stats()).toMatchObject({ active: 0, openedTotal: 2, closedTotal: 2 });
    expect(tracker.streams()).toEqual([]);
  });
});
