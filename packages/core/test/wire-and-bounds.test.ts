import fc from 'fast-check';
import { toWire, type WireSession } from '../src/index.js';
import { SharedFieldsPool } from '../src/session/shared-fields.js';
import { isoWithMemory } from '../src/wire/time.js';
import { ownCopy, StringPool } from '../src/support/strings.js';
import { connect, hit, must, request, setup } from './support/make.js';

describe('toWire', () => {
  it('writes snake_case, RFC 3339 times and no absent values', () => {
    const { tracker, clock } = setup();
    const wire = toWire(must(tracker.trackHttp(hit({ userAgent: undefined }))));
    expect(wire).toEqual({
      id: wire.id,
      stream_code: 'cam1',
      proto: 'hls',
      protos: ['hls'],
      kind: 'viewer',
      ip: '203.0.113.7',
      user_name: wire.id.slice(0, 8),
      named_by: 'fingerprint',
      bytes: 0,
      bytes_received: 0,
      secure: false,
      dvr: false,
      connections: 0,
      opened_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
      duration_sec: 0,
    } satisfies WireSession);
    clock.advance(1_500);
    const over = { token: 't', query: 'a=1', referer: 'https://x/', secure: true, dvr: true };
    const { id } = must(tracker.trackHttp(hit({ ...over, bytes: 5 })));
    tracker.tag(id, { a: 'b' });
    clock.advance(500);
    tracker.kick(id, { reason: 'spam' });
    const full = toWire(must(tracker.get(id)));
    expect(full).toMatchObject({
      user_agent: 'player/1.0',
      referer: 'https://x/',
      query_string: 'a=1',
      started_at: '2026-01-01T00:00:01.500Z',
      closed_at: '2026-01-01T00:00:02.000Z',
      close_reason: 'kicked',
      close_detail: 'spam',
      duration_sec: 0,
      tags: { a: 'b' },
    });
    expect(full.token_fingerprint).toHaveLength(8);
    expect('token' in full).toBe(false);
    expect(JSON.parse(JSON.stringify(full))).toEqual(full);
  });

  it('lists streams and addresses only if there are several', () => {
    const { tracker } = setup({ identity: { viewer: ['token'] } });
    tracker.trackHttp(hit({ token: 'a' }));
    const wire = toWire(must(tracker.trackHttp(hit({ token: 'a', stream: 'cam2', ip: '10.0.0.1' }))));
    expect([wire.streams, wire.ips]).toEqual([
      ['cam1', 'cam2'],
      ['203.0.113.7', '10.0.0.1'],
    ]);
  });
});

describe('tokens', () => {
  it('are shown as a fingerprint that only this tracker can make', () => {
    const one = setup({ fingerprintKey: 'k' });
    const two = setup({ fingerprintKey: 'l' });
    const again = setup({ fingerprintKey: 'k' });
    const prints = [one, two, again].map(
      ({ tracker }) => tracker.trackHttp(hit({ token: 'secret' }))?.tokenFingerprint,
    );
    expect(prints[0]).toBe(prints[2]);
    expect(prints[0]).not.toBe(prints[1]);
    expect(prints[0]).toMatch(/^[\w-]{8}$/);
  });

  it('appear in no copy, event, list or explanation', () => {
    const { tracker, logged } = setup({ maxSessions: 1 });
    const seen: unknown[] = [];
    for (const name of ['opened', 'updated', 'closed', 'denied'] as const)
      tracker.on(name, (event) => seen.push(event));
    const secret = 'a-secret-of-many-letters';
    const over = {
      token: secret,
      query: `x=1&token=${secret}`,
      referer: `https://h/?tkn=${secret}#x`,
      url: `/a?token=${secret}`,
    };
    const { session } = request(tracker, over);
    request(tracker, { token: `${secret}2`, query: `token=${secret}2` });
    seen.push(session, tracker.list(), tracker.explain(must(session).id), logged);
    tracker.kick(must(session).id);
    void tracker.admit(hit(over));
    seen.push(tracker.denials(), tracker.list().map(toWire), tracker.explain(must(session).id));
    expect(JSON.stringify(seen)).not.toContain(secret);
    expect(session?.query).toBe(`x=1&token=${session?.tokenFingerprint}`);
  });
});

describe('what is kept about a client', () => {
  it('is cut to its bounds', () => {
    const { tracker } = setup();
    const long = 'x'.repeat(1_000_000);
    const session = must(
      tracker.trackHttp(hit({ userAgent: long, referer: long, query: `a=${long}`, ip: long, sid: long })),
    );
    expect([session.userAgent, session.referer, session.query].map((text) => text?.length)).toEqual([
      2_048, 2_048, 2_048,
    ]);
    expect(session.ip.length).toBeLessThanOrEqual(64);
    expect(session.namedBy).toBe('fingerprint');
    expect(tracker.trackHttp(hit({ userAgent: long, ip: long }))?.id).toBe(session.id);
  });

  it('is a copy that does not hold the request it came from', () => {
    const { tracker } = setup();
    for (const text of [
      'short',
      'a text longer than a slice',
      'mit Ümläuten und ähnlichem',
      '漢字かな交じり文字列ですよね',
      '\ud800 half a pair of surrogates',
    ]) {
      expect(ownCopy(text)).toBe(text);
    }
    expect(tracker.trackHttp(hit({ userAgent: 'ü\ud800漢 player of the world' }))?.userAgent).toBe(
      'ü\ud800漢 player of the world',
    );
  });

  it('shares strings in bounded pools', () => {
    const pool = new StringPool(100);
    for (let i = 0; i < 1_000; i++) expect(pool.share(`text number ${i}`)).toBe(`text number ${i}`);
    expect((pool as unknown as { texts: Map<string, string> }).texts.size).toBeLessThanOrEqual(100);
  });

  it('is not confused by unusual reasons, protocols and countries', () => {
    const { tracker } = setup({ geo: { country: (ip) => (ip === '10.0.0.1' ? 'undefined' : undefined) } });
    const odd = ['undefined', 'a,hls', 'hls', '', ',', 'true'];
    for (const reason of odd) {
      for (const protocol of odd) {
        const handle = connect(tracker, {
          protocol,
          stream: `cam ${reason} ${protocol}`,
          token: `${reason}/${protocol}`,
        });
        expect(handle.session).toMatchObject({ protocol, closeReason: undefined });
        handle.close(reason);
        expect(handle.session).toMatchObject({ protocol, closeReason: reason });
      }
    }
    expect(tracker.stats()).toMatchObject({ active: 0, openedTotal: 36, closedTotal: 36 });
    expect(request(tracker, { ip: '10.0.0.1' }).session?.country).toBe('undefined');
    expect(request(tracker).session?.country).toBeUndefined();
  });

  it('shares common fields in a bounded pool', () => {
    const pool = new SharedFieldsPool(0);
    const { tracker } = setup();
    for (let i = 0; i < 20_000; i++) connect(tracker, { stream: `s${i}` }).close(`reason ${i}`);
    expect(tracker.list({ limit: 1 })).toHaveLength(1);
    const known = (): number =>
      Math.max(...Object.values(pool).map((value) => (value instanceof Map ? value.size : 0)));
    const sharedFields = {
      kind: 'viewer',
      namedBy: 'token',
      protocol: 'hls',
      secure: false,
      dvr: false,
      country: undefined,
    } as const;
    for (let i = 0; i < 20_000; i++) pool.share({ ...sharedFields, allowed: true, closeReason: `r${i}` });
    expect(known()).toBeGreaterThan(0);
    expect(known()).toBeLessThan(10_000);
  });

  it('stays small however many strangers ask and are refused', () => {
    const { tracker } = setup({
      maxSessions: 10,
      maxSessionsPerIp: 5,
      maxDenials: 50,
      policies: [{ name: 'p', stage: 'authorise', admit: () => ({ allow: false, reason: 'no' }) }],
    });
    for (let i = 0; i < 20_000; i++) void tracker.admit(hit({ token: `t${i}`, stream: `s${i}` }));
    expect(tracker.denials()).toHaveLength(50);
    expect(tracker.streams()).toEqual([]);
    for (let i = 0; i < 20_000; i++) tracker.trackHttp(hit({ token: `u${i}`, stream: `s${i}` }));
    expect(tracker.stats()).toMatchObject({ active: 5, openedTotal: 5, deniedTotal: 20_000, overloadTotal: 19_995 });
    expect(tracker.streams()).toHaveLength(5);
  });
});

describe('times as JSON', () => {
  it('are what Date writes, whichever was formatted before', () => {
    const time = fc.oneof(
      fc.integer({ min: 1_700_000_000_000, max: 1_700_000_200_000 }),
      fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(time, { minLength: 1 }), (times) => {
        const write = isoWithMemory();
        expect(times.map(write)).toEqual(times.map((ms) => new Date(ms).toISOString()));
      }),
    );
    expect(() => isoWithMemory()(NaN)).toThrow(RangeError);
  });
});
