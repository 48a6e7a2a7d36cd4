import type { DenialTarget, HttpHit, Policy } from '../src/index.js';
import {
  conn,
  connect,
  eventsOf,
  hit,
  live,
  mayConnect,
  mayRequest,
  must,
  now,
  refusal,
  request,
  setup,
} from './support/make.js';

const FOREVER = { forMs: 1e9 };

describe('deny', () => {
  describe('refuses what it names', () => {
    it.each<[DenialTarget, Partial<HttpHit>, Partial<HttpHit>]>([
      [{ ip: '203.0.113.7' }, {}, { ip: '203.0.113.8' }],
      [{ ip: '::ffff:203.0.113.7' }, {}, { ip: '203.0.113.8' }],
      [{ ip: '203.0.113.0/24' }, { ip: '203.0.113.255' }, { ip: '203.0.114.0' }],
      [{ ip: '2001:db8::1' }, { ip: '2001:db8::ffff' }, { ip: '2001:db8:0:1::1' }],
      [{ ip: '2001:db8::/32' }, { ip: '2001:db8:ffff::1' }, { ip: '2001:db9::1' }],
      [{ ip: '::/0' }, { ip: '2001:db8::1' }, { ip: '203.0.113.7' }],
      [{ ip: '0.0.0.0/0' }, {}, { ip: '2001:db8::1' }],
      [{ stream: 'cam1' }, {}, { stream: 'cam2' }],
      [{ token: 'a' }, { token: 'a' }, { token: 'b' }],
      [{ userAgent: 'player/1.0' }, {}, { userAgent: 'player/1' }],
      [{ protocol: 'dash' }, { protocol: 'dash' }, { userAgent: 'other' }],
      [{ ip: '203.0.113.7', stream: 'cam1' }, {}, { stream: 'cam2' }],
      [{ ip: '203.0.113.0/24', userAgent: 'player/1.0', protocol: 'hls' }, {}, { userAgent: 'other' }],
    ])('%j', (target, meant, other) => {
      const { tracker } = setup();
      const denied = must(request(tracker, meant).session);
      const spared = must(request(tracker, { ...other, token: other.token ?? 'spared' }).session);
      tracker.deny(target, { reason: 'why' });
      expect(tracker.get(denied.id)).toMatchObject({ closeReason: 'denied', closeDetail: 'why' });
      expect(tracker.get(spared.id)?.closedAt).toBeUndefined();
      expect(refusal(now(tracker.admit(hit(meant))))).toMatchObject({ by: 'deny', detail: 'why' });
      expect(mayRequest(tracker, { ...other, token: other.token ?? 'spared' })).toBe(true);
    });

    it('a session by its id, which comes back with the viewer', () => {
      const { tracker } = setup();
      const { id } = must(request(tracker, { token: 'a' }).session);
      tracker.deny({ session: id });
      expect(mayRequest(tracker, { token: 'a' })).toBe(false);
      expect(mayRequest(tracker, { token: 'b' })).toBe(true);
    });

    it('a user named by a transport or a policy', () => {
      const policy: Policy = {
        name: 'p',
        admit: ({ token }) => ({ allow: true, ...(token ? { userId: token } : {}) }),
      };
      const { tracker } = setup({ policies: [policy] });
      connect(tracker, { userId: 'bob' });
      const vouched = must(request(tracker, { token: 'bob' }).session);
      tracker.deny({ user: 'bob' });
      expect(tracker.get(vouched.id)?.closeReason).toBe('denied');
      expect(live(tracker)).toEqual([]);
      expect(mayConnect(tracker, { userId: 'bob' })).toBe(false);
      expect(mayRequest(tracker, { token: 'bob' })).toBe(false);
      expect(mayRequest(tracker, { token: 'ann' })).toBe(true);
    });

    it('in trackHttp and openConn as well', () => {
      const { tracker } = setup();
      tracker.deny({ stream: 'cam1' });
      expect(tracker.trackHttp(hit())).toBeNull();
      const { session, closer } = tracker.openConn(conn());
      expect(session).toBeNull();
      closer.touch(5);
      closer.close();
      expect(tracker.stats()).toMatchObject({ openedTotal: 0, deniedTotal: 2, bytesTotal: 0 });
    });
  });

  describe('applies to anything a live session is or becomes', () => {
    const everywhere = { identity: { viewer: ['token'] } } as const;

    it.each<[string, DenialTarget, Partial<HttpHit>]>([
      ['address', { ip: '198.51.100.1' }, { ip: '198.51.100.1' }],
      ['block', { ip: '198.51.100.0/24' }, { ip: '198.51.100.1' }],
      ['stream', { stream: 'cam2' }, { stream: 'cam2' }],
      ['protocol', { protocol: 'dash' }, { protocol: 'dash' }],
      ['player', { userAgent: 'other' }, { userAgent: 'other' }],
    ])('another %s', (_, target, change) => {
      const later = setup(everywhere);
      const session = must(request(later.tracker, { token: 'a' }).session);
      later.tracker.deny(target);
      expect(later.tracker.get(session.id)?.closedAt).toBeUndefined();
      expect(mayRequest(later.tracker, { token: 'a', ...change })).toBe(false);
      expect(later.tracker.trackHttp(hit({ token: 'a', ...change }))).toBeNull();
      expect(mayRequest(later.tracker, { token: 'a' })).toBe(true);

      const before = setup(everywhere);
      request(before.tracker, { token: 'a' });
      request(before.tracker, { token: 'a', ...change });
      before.tracker.deny(target);
      expect(live(before.tracker)).toEqual([]);

      const back = setup(everywhere);
      request(back.tracker, { token: 'a', ...change });
      request(back.tracker, { token: 'a' });
      back.tracker.deny(target);
      if (_ !== 'player') expect(live(back.tracker)).toEqual([]);
      expect(mayRequest(back.tracker, { token: 'a', ...change })).toBe(false);
    });

    it('another token, if the recipe does not tell tokens apart', () => {
      const { tracker } = setup({ identity: { viewer: ['stream', 'ip'] } });
      request(tracker, { token: 'a' });
      request(tracker, { token: 'b' });
      tracker.deny({ token: 'b' });
      expect(mayRequest(tracker, { token: 'b' })).toBe(false);
      expect(mayRequest(tracker, { token: 'a' })).toBe(true);
    });
  });

  it.each<[unknown, RegExp]>([
    [{}, /everybody/],
    [{ ip: undefined }, /everybody/],
    [{ steam: 'cam1' }, /did you mean "stream"/],
    [{ foo: 'x' }, /known: session/],
    [{ ip: '' }, /non-empty/],
    [{ ip: 'somewhere' }, /neither an address nor a CIDR/],
    [{ ip: '10.0.0.0/33' }, /neither an address nor a CIDR/],
    [{ stream: 5 }, /string/],
    [null, /object/],
    ['cam1', /object/],
    [[], /object/],
  ])('refuses the target %j', (target, message) => {
    const { tracker } = setup();
    request(tracker);
    const error = expect.objectContaining({ code: 'ERR_BAD_DENIAL', message: expect.stringMatching(message) });
    expect(() => tracker.deny(target as DenialTarget)).toThrow(error);
    if (typeof target !== 'string') expect(() => tracker.liftDenial(target as DenialTarget)).toThrow(error);
    expect(live(tracker)).toHaveLength(1);
  });

  it('ends on time and is listed until then', () => {
    const { tracker, clock } = setup();
    const denial = tracker.deny({ stream: 'cam1' }, { forMs: 5_000 });
    expect(denial).toMatchObject({ since: clock.now(), until: clock.now() + 5_000, hits: 0, kind: 'forbidden' });
    clock.advance(4_999);
    expect(tracker.denials()).toMatchObject([{ id: denial.id }]);
    expect(mayRequest(tracker)).toBe(false);
    clock.advance(1);
    expect(tracker.denials()).toEqual([]);
    expect(mayRequest(tracker)).toBe(true);
    expect(tracker.liftDenial(denial.id)).toBe(false);
  });

  it('holds for deniedRetentionMs unless told otherwise', () => {
    const { tracker, clock } = setup({ deniedRetentionMs: 7_000 });
    expect(tracker.deny({ stream: 'cam1' }).until).toBe(clock.now() + 7_000);
  });

  it('is lifted by its id, or by its target in any spelling', () => {
    const { tracker } = setup();
    const first = tracker.deny({ ip: '203.0.113.7', stream: 'cam1' }, FOREVER);
    expect(tracker.liftDenial({ stream: 'cam1' })).toBe(false);
    expect(tracker.liftDenial({ stream: 'cam1', ip: '::ffff:203.0.113.7' })).toBe(true);
    expect(mayRequest(tracker)).toBe(true);
    expect(tracker.liftDenial(first.id)).toBe(false);
    tracker.deny({ ip: '10.1.2.3/8' }, FOREVER);
    expect(tracker.denials()).toMatchObject([{ target: { ip: '10.0.0.0/8' } }]);
    expect(tracker.liftDenial({ ip: '::ffff:10.0.0.0/104' })).toBe(true);
    const second = tracker.deny({ token: 'a' }, FOREVER);
    expect(tracker.liftDenial(second.id)).toBe(true);
    expect(tracker.liftDenial({ token: 'a' })).toBe(false);
  });

  it('replaces an earlier one for the same target and counts from zero, but ends no sooner', () => {
    const { tracker, clock } = setup();
    const first = tracker.deny({ stream: 'cam1' }, { forMs: 5_000, reason: 'first' });
    mayRequest(tracker);
    for (const forMs of [1_000, 0]) {
      const again = tracker.deny({ stream: 'cam1' }, { forMs, reason: 'again' });
      expect(tracker.denials()).toEqual([again]);
      expect(again).toMatchObject({ until: first.until, hits: 0, detail: 'again' });
      expect(again.id).not.toBe(first.id);
    }
    expect(tracker.deny({ stream: 'cam1' }, { forMs: 9_000 }).until).toBe(clock.now() + 9_000);
    // who wants it shorter lifts it first
    tracker.liftDenial({ stream: 'cam1' });
    expect(tracker.deny({ stream: 'cam1' }, { forMs: 1_000 }).until).toBe(clock.now() + 1_000);
    clock.advance(1_000);
    expect(mayRequest(tracker)).toBe(true);
    expect(tracker.deny({ stream: 'cam1' }, { forMs: 500 }).until).toBe(clock.now() + 500);
  });

  it('for 0 ms closes live sessions, and is not kept', () => {
    const { tracker } = setup();
    request(tracker);
    tracker.deny({ stream: 'cam1' }, { forMs: 0 });
    expect([live(tracker), tracker.denials(), mayRequest(tracker)]).toEqual([[], [], true]);
  });

  it('of a User-Agent compares only as much of it as is kept', () => {
    const { tracker } = setup();
    const userAgent = 'x'.repeat(5_000);
    request(tracker, { userAgent });
    tracker.deny({ userAgent });
    expect([live(tracker), mayRequest(tracker, { userAgent })]).toEqual([[], false]);
    expect(tracker.liftDenial({ userAgent })).toBe(true);
  });

  it('shows a token as its fingerprint only', () => {
    const { tracker } = setup();
    const secret = 'do-not-show-this';
    const { tokenFingerprint } = must(request(tracker, { token: secret }).session);
    const denial = tracker.deny({ token: secret });
    expect(denial.target.token).toBe(tokenFingerprint);
    const errors = refusal(now(tracker.admit(hit({ token: secret, query: `token=${secret}` }))));
    expect(JSON.stringify([tracker.denials(), errors, tracker.list()])).not.toContain(secret);
  });

  it('cannot be changed through the copy that was handed out', () => {
    const { tracker } = setup();
    const [event] = [eventsOf(tracker, 'denied')];
    const target: DenialTarget = { stream: 'cam1' };
    const denial = tracker.deny(target, FOREVER);
    target.stream = 'cam2';
    expect(() => ((denial.target as DenialTarget).stream = 'cam2')).toThrow(TypeError);
    mayRequest(tracker);
    expect(() => ((event[0]?.denial.target as DenialTarget).stream = 'cam2')).toThrow(TypeError);
    expect(tracker.denials()[0]?.target).toEqual({ stream: 'cam1' });
  });

  it('finds a bearer token where no policy asks for one: of who is watching, and with any later request', () => {
    const bearer = (token: string): Partial<HttpHit> => ({ credentials: { scheme: 'bearer', token } });
    const { tracker } = setup();
    const first = must(request(tracker, bearer('stolen')).session);
    const renewed = must(request(tracker, { ip: '203.0.113.8', ...bearer('old') }).session);
    request(tracker, { ip: '203.0.113.8', ...bearer('new') });
    const later = must(request(tracker, { ip: '203.0.113.9' }).session);
    tracker.deny({ token: 'stolen' }, FOREVER);
    tracker.deny({ token: 'new' }, FOREVER);
    expect(live(tracker).map(({ id }) => id)).toEqual([later.id]);
    expect(tracker.get(first.id)?.closeReason).toBe('denied');
    expect(tracker.get(renewed.id)?.closeReason).toBe('denied');
    expect(mayRequest(tracker, bearer('stolen'))).toBe(false);
    expect(mayRequest(tracker, { ip: '203.0.113.9', ...bearer('stolen') })).toBe(false);
    expect(mayRequest(tracker, { ip: '203.0.113.9', ...bearer('another') })).toBe(true);
    expect(mayRequest(tracker, { ip: '203.0.113.9', ...bearer('stolen') })).toBe(false);
  });

  it('refuses without asking any policy', () => {
    const admit = jest.fn(() => ({ allow: true as const }));
    const { tracker } = setup({ policies: [{ name: 'p', admit }] });
    tracker.deny({ stream: 'cam1' });
    mayRequest(tracker);
    expect(admit).not.toHaveBeenCalled();
  });

  it('holds while tracking is switched off', () => {
    const { tracker } = setup({ enabled: false });
    tracker.deny({ ip: '203.0.113.7' });
    expect(mayRequest(tracker)).toBe(false);
    expect(request(tracker, { ip: '203.0.113.8' }).session).toBeUndefined();
  });

  it('makes room for the newest when the table is full, and shrinks when told', () => {
    const { tracker } = setup({ maxDenials: 3 });
    const ids = ['a', 'b', 'c', 'd'].map((token) => tracker.deny({ token }, FOREVER).id);
    expect(tracker.denials().map(({ id }) => id)).toEqual(ids.slice(1));
    expect(mayRequest(tracker, { token: 'a' })).toBe(true);
    expect(mayRequest(tracker, { token: 'd' })).toBe(false);
    tracker.updateConfig({ maxDenials: 1 });
    expect(tracker.denials().map(({ id }) => id)).toEqual(ids.slice(3));
    tracker.updateConfig({ maxDenials: 0 });
    tracker.deny({ stream: 'cam1' });
    expect(tracker.denials()).toEqual([]);
  });

  it('finds among thousands, and forgets them when their time is over', () => {
    const { tracker, clock } = setup();
    for (let i = 0; i < 20_000; i++) tracker.deny({ ip: `10.${i >> 8}.${i & 255}.1` }, { forMs: 1_000 + i });
    expect(mayRequest(tracker, { ip: '10.3.4.1' })).toBe(false);
    expect(mayRequest(tracker, { ip: '10.3.4.2' })).toBe(true);
    clock.advance(60_000);
    expect(tracker.denials()).toEqual([]);
    expect(mayRequest(tracker, { ip: '10.3.4.1' })).toBe(true);
  });
});
