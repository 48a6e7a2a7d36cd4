import type { ConnHit, HttpHit, SessionTracker } from '../src/index.js';
import { conn, connect, hit, live, must, request, setup } from './support/make.js';

type Call = (tracker: SessionTracker, hit: unknown) => unknown;

const ENTRIES: [string, Call, HttpHit | ConnHit][] = [
  ['trackHttp', (tracker, bad) => tracker.trackHttp(bad as HttpHit), hit()],
  ['openConn', (tracker, bad) => tracker.openConn(bad as ConnHit), conn()],
  ['admit of a request', (tracker, bad) => tracker.admit(bad as HttpHit), hit()],
  ['admit of a connection', (tracker, bad) => tracker.admit(bad as ConnHit), conn()],
];

function expectBadHit(act: () => unknown, words: string[]): void {
  const message = expect.stringMatching(words.map((word) => word.replace(/[()]/g, '.')).join('.*'));
  expect(act).toThrow(expect.objectContaining({ name: 'StreamSessionsError', code: 'ERR_BAD_HIT', message }));
}

const without = (good: object, ...fields: string[]): object =>
  Object.fromEntries(Object.entries(good).filter(([field]) => !fields.includes(field)));

describe.each(ENTRIES)('%s with a bad hit', (_, call, good) => {
  const refuses = (bad: unknown, ...words: string[]): void => {
    const { tracker } = setup();
    expectBadHit(() => call(tracker, bad), words);
    expect(live(tracker)).toEqual([]);
  };
  /** Of what is looked at in every hit. */
  const refusesAlways = (bad: unknown, ...words: string[]): void => {
    refuses(bad, ...words);
    const { tracker } = setup();
    call(tracker, good);
    expectBadHit(() => call(tracker, bad), words);
    expect(live(tracker)).toMatchObject([{ stream: 'cam1', protocols: [good.protocol] }]);
  };

  it.each(['stream', 'protocol'])('throws and names the missing field: %s', (field) => {
    refusesAlways(without(good, field), `"${field}"`, 'undefined');
    refusesAlways({ ...good, [field]: undefined }, `"${field}"`, 'undefined');
    refusesAlways({ ...good, [field]: null }, `"${field}"`, 'null');
    refusesAlways({ ...good, [field]: 5 }, `"${field}"`, 'number');
    refusesAlways({ ...good, [field]: [good.stream] }, `"${field}"`, 'a list');
  });

  it('throws and names the missing address', () => {
    refusesAlways(without(good, 'ip', 'remoteAddress'), '"remoteAddress"', 'address');
    const field = 'ip' in good ? 'ip' : 'remoteAddress';
    refusesAlways({ ...good, [field]: null }, `"${field}"`, 'null');
    refusesAlways({ ...good, [field]: 127 }, `"${field}"`, 'number');
  });

  it.each([undefined, null, 'cam1', 5, []])('throws for a hit that is not an object: %j', (bad) => refusesAlways(bad));

  it.each(['userAgent', 'query', 'token', 'url', 'userId', 'referer', 'sid', 'playerSessionId'])(
    'throws and names a field that is not a string: %s',
    (field) => {
      for (const bad of [5, null, ['a'], {}, true]) refuses({ ...good, [field]: bad }, `"${field}" must be a string`);
    },
  );

  it.each<[string, unknown]>([
    ['kind', 'guest'],
    ['kind', null],
    ['secure', 'no'],
    ['dvr', 1],
    ['id', ''],
    ['id', 5],
    ['id', 'x'.repeat(257)],
    ['credentials', 'Bearer x'],
    ['credentials', null],
    ['credentials', { scheme: 'bearer' }],
    ['credentials', { scheme: 'basic', user: 'me', password: 'pw' }],
    ['secretParameters', 'auth'],
    ['secretParameters', [5]],
  ])('throws and names the invalid field: %s as %j', (field, bad) => refuses({ ...good, [field]: bad }, `"${field}"`));

  it('does not show the value in the error, because it may be a secret', () => {
    const { tracker } = setup();
    const bad = { ...good, credentials: { scheme: 'bearer', token: ['s3cret'] }, secure: 's3cret' };
    expect(() => call(tracker, bad)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
    );
  });

  it('does not throw for a client whose socket has lost its address', () => {
    const { tracker } = setup();
    expect(() => call(tracker, { ...good, ip: undefined })).not.toThrow();
    if ('remoteAddress' in good) expect(() => call(tracker, { ...good, remoteAddress: undefined })).not.toThrow();
    expect(live(tracker).every(({ ip }) => ip === '' || ip === '203.0.113.7')).toBe(true);
  });
});

describe('a protocol', () => {
  it.each([undefined, ['stream', 'ip', 'token', 'protocol'] as const])(
    'is in lower case, with the recipe %j',
    (viewer) => {
      const { tracker } = setup(viewer && { identity: { viewer } });
      const ids = ['HLS', 'hls', 'Hls'].map((protocol) => must(tracker.trackHttp(hit({ protocol }))).id);
      expect(new Set(ids).size).toBe(1);
      request(tracker, { protocol: 'HLS' });
      tracker.openConn(conn({ protocol: 'RTMP' }));
      for (const { protocol, protocols } of live(tracker)) expect(protocols).toEqual([protocol]);
      const words = live(tracker).map(({ protocol }) => protocol);
      expect(words.sort()).toEqual(['hls', 'rtmp']);
      expect(['HLS', 'hls', 'Rtmp'].map((protocol) => tracker.list({ protocol }).length)).toEqual([1, 1, 1]);
      expect(() => tracker.list({ protocol: 5 as never })).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    },
  );

  it('is the same in a denial, to policies and for idle times', () => {
    const seen: string[] = [];
    const { tracker, clock } = setup({
      idleTimeoutMs: { RTMP: 90_000, default: 30_000 },
      policies: [{ name: 'ear', admit: ({ protocol }) => (seen.push(protocol), { allow: true }) }],
    });
    connect(tracker, { protocol: 'RTMP' });
    request(tracker, { protocol: 'HLS' }).end();
    expect(seen).toEqual(['rtmp', 'hls']);
    clock.advance(40_000);
    expect(live(tracker).map(({ protocol }) => protocol)).toEqual(['rtmp']);
    const denial = tracker.deny({ protocol: 'RTMP' });
    expect(denial.target).toEqual({ protocol: 'rtmp' });
    expect(live(tracker)).toEqual([]);
    expect(tracker.liftDenial({ protocol: 'Rtmp' })).toBe(true);
  });
});
