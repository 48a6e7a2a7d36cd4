import fc from 'fast-check';
import { signedUrlPolicy, signToken, signUrl } from '@stream-sessions/policies';
import { ask, connect, denialOf, live, sessionOf, stopAll, world } from './support/make.js';

const KEY = 'a key of sufficient length';
const OLD = 'the key of the year before';
const MINUTE = 60_000;
const setup = (keys: string | string[] = KEY) => {
  const made = world([signedUrlPolicy({ keys })]);
  const start = made.clock.now();
  const token = (over: Partial<Parameters<typeof signToken>[0]> = {}) =>
    signToken({ key: KEY, stream: 'cam1', expiresAt: start + 10 * MINUTE, ...over });
  return { ...made, token, start };
};
afterEach(stopAll);

describe('signedUrlPolicy', () => {
  it('admits viewers with a signature for the stream, over every transport, until it expires', async () => {
    const { tracker, clock, token } = setup();
    const { id } = sessionOf(await ask(tracker, { token: token() }));
    sessionOf(await connect(tracker, { token: token() }));
    clock.advance(5 * MINUTE);
    sessionOf(await ask(tracker, { token: token() }));
    for (let i = 0; i < 300; i++) {
      clock.advance(1_000);
      await ask(tracker, { token: token() });
    }
    expect(tracker.get(id)?.closeReason).toBe('expired');
    expect(live(tracker)).toEqual([]);
    expect(denialOf(await ask(tracker, { token: token() }))).toMatchObject({ reason: 'expired', kind: 'credentials' });
  });

  it.each<[string, (make: ReturnType<typeof setup>['token']) => string | undefined]>([
    ['none', () => undefined],
    ['one for another stream', (make) => make({ stream: 'cam2' })],
    ['one with another key', (make) => make({ key: `${KEY}!` })],
    ['one for another address', (make) => make({ ip: '198.51.100.1' })],
    ['one for publishing', (make) => make({ kind: 'input' })],
    ['one that says it lasts longer', (make) => make().replace(/^[^.]+/, (1e10).toString(36))],
    ['one for an address that says it is for any', (make) => make({ ip: '203.0.113.7' }).replace('.ip.', '.any.')],
    ['one that was cut', (make) => make().slice(0, -1)],
    ['one with more behind it', (make) => `${make()}A`],
    ['a text', () => 'open sesame'],
  ])('refuses a viewer with %s instead of a signature, even to join a live session', async (_, make) => {
    const { tracker, token } = setup();
    sessionOf(await ask(tracker, { token: token() }));
    const wrong = make(token);
    expect(denialOf(await ask(tracker, { token: wrong })).kind).toBe('credentials');
    expect(live(tracker)).toHaveLength(1);
    sessionOf(await ask(tracker, { token: token() }));
  });

  it('lets nobody join a live session with a wrong signature if the recipe does not tell tokens apart', async () => {
    const made = setup();
    made.tracker.updateConfig({ identity: { viewer: ['stream', 'ip'] } });
    sessionOf(await ask(made.tracker, { token: made.token() }));
    expect((await ask(made.tracker, { token: made.token({ key: `${KEY}!` }) })).admitted).toBe(false);
    expect((await ask(made.tracker, {})).admitted).toBe(false);
    expect((await ask(made.tracker, { token: made.token() })).admitted).toBe(true);
  });

  it('can be bound to an address, for IPv6 to its network', async () => {
    const { tracker, token } = setup();
    sessionOf(await ask(tracker, { token: token({ ip: '203.0.113.7' }) }));
    sessionOf(await ask(tracker, { ip: '2001:db8::2', token: token({ ip: '2001:db8::1' }) }));
    denialOf(await ask(tracker, { ip: '2001:db8:1::1', token: token({ ip: '2001:db8::1' }) }));
  });

  it.each<[string, (make: ReturnType<typeof setup>['token']) => string | undefined, string]>([
    ['none', () => undefined, 'there is no token'],
    ['a text', () => 'open sesame', 'the token was not made by signToken()'],
    ['a zero in front', (make) => `0${make()}`, 'the token is not spelled as signToken() spells it'],
    [
      'another stream',
      (make) => make({ stream: 'cam2' }),
      'the signature is wrong: made with another key, for another stream or kind, or changed',
    ],
    [
      'another address',
      (make) => make({ ip: '10.0.0.1' }),
      'the signature is wrong: made with another key, for another stream, kind or address, or changed',
    ],
    [
      'an end',
      (make) => make({ expiresAt: Date.UTC(2025, 11, 31) }),
      'the signature ended at 2025-12-31T00:00:00.000Z',
    ],
  ])('says why it refuses %s', async (_, make, detail) => {
    const { tracker, token } = setup();
    expect(denialOf(await ask(tracker, { token: make(token) })).detail).toBe(detail);
  });

  it('takes several keys, so that one can be replaced', async () => {
    const { tracker, token } = setup([KEY, OLD]);
    sessionOf(await ask(tracker, { token: token() }));
    sessionOf(await ask(tracker, { token: token({ key: OLD }) }));
  });

  it('requires a separate signature from publishers, and none from pushes of the server', async () => {
    const { tracker, token } = setup();
    denialOf(await connect(tracker, { kind: 'input', token: token() }));
    sessionOf(await connect(tracker, { kind: 'input', token: token({ kind: 'input' }) }));
    sessionOf(await connect(tracker, { kind: 'output' }));
  });

  it('refuses any other token instead of guessing', async () => {
    const { tracker } = setup();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((s) => `zzz.any.${s}`),
        ),
        async (token) => {
          expect((await ask(tracker, { token })).admitted).toBe(false);
        },
      ),
    );
  });
});

describe('signUrl', () => {
  it.each([
    ['https://h/cam1/index.m3u8', /^https:\/\/h\/cam1\/index\.m3u8\?token=[\w.-]+$/],
    ['rtmp://h/live/cam1?x=1', /^rtmp:\/\/h\/live\/cam1\?x=1&token=[\w.-]+$/],
    ['/cam1/index.m3u8?token=old&a=%20b#t', /^\/cam1\/index\.m3u8\?a=%20b&token=[\w.-]+#t$/],
  ])('adds the token to %s', (url, expected) => {
    expect(signUrl(url, { key: KEY, stream: 'cam1', expiresAt: 2e12 })).toMatch(expected);
  });

  it('refuses arguments that would sign nothing, and never shows the key', () => {
    const right = { key: KEY, stream: 'cam1', expiresAt: 2e12 };
    const bad = [
      { ip: 'home' },
      { ip: '' },
      { kind: 'guest' as 'viewer' },
      { expiresAt: 1e300 },
      { expiresAt: 2e9 },
      { stream: 'x'.repeat(257) },
    ];
    for (const wrong of [{ key: 'secret' }, { stream: '' }, { expiresAt: NaN }, { until: 1 }, ...bad]) {
      expect(() => signToken({ ...right, ...wrong })).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    }
    expect(() => signToken({ ...right, expiresAt: 2e9 })).toThrow('expiresAt must be epoch milliseconds, not seconds');
    expect(() => signToken({ ...right, key: 'secret' })).not.toThrow(/secret/);
    for (const keys of ['short', [], [KEY, 'short'], 5 as never, null as never]) {
      expect(() => signedUrlPolicy({ keys })).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    }
  });
});
