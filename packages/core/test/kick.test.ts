import type { ConnHit, HttpHit, Policy, TrackerOptions } from '../src/index.js';
import {
  conn,
  connect,
  hit,
  mayConnect,
  mayRequest,
  must,
  now,
  refusal,
  request,
  setup,
  eventsOf,
} from './support/make.js';

const MINUTE = 60_000;

/** Opens a session for this viewer and kicks it. */
function kicked(over: Partial<HttpHit>, options: TrackerOptions = {}) {
  const all = setup(options);
  const session = must(request(all.tracker, over).session);
  expect(all.tracker.kick(session.id)).toBe(true);
  return { ...all, session };
}

/** A policy that says who somebody is, by the token. */
const naming: Policy = {
  name: 'naming',
  stage: 'authorise',
  admit: ({ token }) => (token === undefined ? { allow: true } : { allow: true, userId: token.split('-')[0] ?? '' }),
};

describe('kick', () => {
  it('closes a session once, reports it, and then returns false', () => {
    const { tracker, session } = kicked({});
    expect(tracker.get(session.id)).toMatchObject({ closeReason: 'kicked' });
    expect(tracker.kick(session.id)).toBe(false);
    expect(tracker.kick('never seen')).toBe(false);
    expect(tracker.stats()).toMatchObject({ active: 0, closedTotal: 1, kickedTotal: 1 });
    expect(tracker.denials()).toHaveLength(1);
  });

  describe('keeps out the same viewer who comes back', () => {
    it.each<[string, Partial<HttpHit>, Partial<HttpHit>]>([
      ['unchanged', {}, {}],
      ['unchanged, named by a token', { token: 'a' }, { token: 'a' }],
      ['with a new CMCD sid', { sid: 's1' }, { sid: 's2' }],
      ['with a new token', { token: 'a' }, { token: 'b' }],
      ['without the token', { token: 'a' }, {}],
      ['with a token, having had none', {}, { token: 'a' }],
      ['with a new playback session', { playerSessionId: 'p1' }, { playerSessionId: 'p2' }],
      ['over DASH', { token: 'a' }, { token: 'a', protocol: 'dash' }],
      ['over DASH without a name', {}, { protocol: 'dash' }],
      ['with another player but the same token', { token: 'a' }, { token: 'a', userAgent: 'other' }],
      ['with another player but the same sid', { sid: 's1' }, { sid: 's1', userAgent: 'other' }],
      ['without a User-Agent, having had none', { userAgent: undefined }, { userAgent: undefined, token: 'x' }],
      ['from another address of the same network', { ip: '2001:db8::1' }, { ip: '2001:db8::2' }],
    ])('%s', (_, before, after) => {
      const { tracker } = kicked(before);
      const asked = now(tracker.admit(hit({ ...(before.ip ? { ip: before.ip } : {}), ...after })));
      expect(refusal(asked)).toMatchObject({ by: 'kick', kind: 'forbidden', reason: 'kicked' });
      expect(tracker.trackHttp(hit({ ...(before.ip ? { ip: before.ip } : {}), ...after }))).toBeNull();
    });

    it.each<[string, Partial<HttpHit>, Partial<ConnHit>]>([
      ['over RTMP with the same token', { token: 'a' }, { token: 'a' }],
      ['over RTSP with the same User-Agent', {}, { protocol: 'rtsp', userAgent: 'player/1.0' }],
    ])('%s', (_, before, after) => {
      const { tracker } = kicked(before);
      expect(mayConnect(tracker, after)).toBe(false);
      expect(tracker.openConn(conn(after)).session).toBeNull();
    });

    it('over another connection, recognised by address and User-Agent and never by its own id', () => {
      const { tracker } = setup();
      const first = connect(tracker, { id: 'my-own' });
      tracker.kick('my-own');
      expect(mayConnect(tracker, { id: 'my-own' })).toBe(false);
      expect(mayConnect(tracker, { remoteAddress: '203.0.113.7:50001' })).toBe(false);
      expect(mayConnect(tracker, { id: 'my-own', remoteAddress: '203.0.113.8:1' })).toBe(true);
      expect(first.session?.closeReason).toBe('kicked');
    });
  });

  describe('lets in', () => {
    it.each<[string, Partial<HttpHit>]>([
      ['somebody at another address', { ip: '203.0.113.8' }],
      ['another player at the same address', { userAgent: 'other' }],
      ['the same viewer on another stream', { stream: 'cam2' }],
      ['a publisher at the same address', { kind: 'input' }],
    ])('%s', (_, other) => {
      const { tracker } = kicked({ token: 'a' });
      expect(mayRequest(tracker, other)).toBe(true);
    });

    it('a neighbour with the same player who is already watching', () => {
      const { tracker } = setup();
      const mine = must(request(tracker, { sid: 's1' }).session);
      request(tracker, { sid: 's2' });
      tracker.kick(mine.id);
      expect(mayRequest(tracker, { sid: 's2' })).toBe(true);
      expect(mayRequest(tracker, { sid: 's1' })).toBe(false);
      expect(mayRequest(tracker, { sid: 's3' })).toBe(false);
      expect(tracker.list({ status: 'active' })).toMatchObject([{ namedBy: 'cmcd', closeReason: undefined }]);
    });

    it('everybody when the time is over, to the millisecond', () => {
      const { tracker, clock } = kicked({});
      clock.advance(10 * MINUTE - 1);
      expect(mayRequest(tracker)).toBe(false);
      clock.advance(1);
      expect(mayRequest(tracker)).toBe(true);
      expect(tracker.denials()).toEqual([]);
    });

    it('everybody at once with denyForMs 0, and otherwise after that time', () => {
      const { tracker, clock } = setup();
      tracker.kick(must(request(tracker).session).id, { denyForMs: 0 });
      expect(tracker.denials()).toEqual([]);
      const again = must(request(tracker).session);
      tracker.kick(again.id, { denyForMs: 1_000 });
      clock.advance(999);
      expect(mayRequest(tracker)).toBe(false);
      clock.advance(1);
      expect(mayRequest(tracker)).toBe(true);
    });
  });

  describe('when a policy has named the user', () => {
    const options = { policies: [naming] };

    it('follows the user, whatever the address and player', () => {
      const { tracker } = kicked({ token: 'bob-1' }, options);
      expect(mayRequest(tracker, { token: 'bob-2', ip: '198.51.100.1', userAgent: 'other' })).toBe(false);
      expect(mayRequest(tracker, { token: 'bob-1', ip: '198.51.100.1', protocol: 'dash' })).toBe(false);
      expect(mayConnect(tracker, { token: 'bob-3', remoteAddress: '198.51.100.2:1' })).toBe(false);
    });

    it('refuses the credential of that user without asking any policy', () => {
      let asked = 0;
      const counting: Policy = {
        ...naming,
        admit: (candidate, view) => (asked++, naming.admit?.(candidate, view) ?? { allow: true }),
      };
      const { tracker } = kicked({ token: 'bob-1' }, { policies: [counting] });
      expect(asked).toBe(1);
      expect(mayRequest(tracker, { token: 'bob-1', ip: '198.51.100.1' })).toBe(false);
      expect(asked).toBe(1);
    });

    it('admits another user at the same address with the same player', () => {
      const { tracker } = kicked({ token: 'bob-1' }, options);
      expect(mayRequest(tracker, { token: 'ann-1' })).toBe(true);
    });

    it('leaves another live session of the same user alone', () => {
      const { tracker } = setup(options);
      const phone = must(request(tracker, { token: 'bob-1', ip: '198.51.100.1' }).session);
      const tv = must(request(tracker, { token: 'bob-2', ip: '198.51.100.2' }).session);
      tracker.kick(phone.id);
      expect(tracker.get(tv.id)).toMatchObject({ closedAt: undefined });
      expect(mayRequest(tracker, { token: 'bob-2', ip: '198.51.100.2' })).toBe(true);
    });
  });

  it('keeps out by the recipe that is configured: without the address, a changed address does not help', () => {
    const identity = { viewer: ['stream', 'token'] } as const;
    const { tracker } = kicked({ token: 'a' }, { identity });
    expect(mayRequest(tracker, { token: 'a', ip: '198.51.100.1', userAgent: 'other' })).toBe(false);
    const nameless = kicked({}, { identity });
    expect(mayRequest(nameless.tracker, { ip: '198.51.100.1' })).toBe(false);
    expect(mayRequest(nameless.tracker, { ip: '198.51.100.1', userAgent: 'other' })).toBe(true);
  });

  it('keeps out on every stream that the session was seen on', () => {
    const { tracker } = setup({ identity: { viewer: ['ip', 'token'] } });
    const session = must(request(tracker, { stream: 'cam1', token: 'a' }).session);
    request(tracker, { stream: 'cam2', token: 'a' });
    tracker.kick(session.id);
    for (const stream of ['cam1', 'cam2']) expect(mayRequest(tracker, { stream, token: 'a' })).toBe(false);
    expect(mayRequest(tracker, { stream: 'cam3', token: 'a' })).toBe(true);
  });

  it('keeps a viewer out of the kicked stream who now watches another one', () => {
    for (const token of ['a', undefined]) {
      const { tracker } = setup({ identity: { viewer: ['ip', 'token'] } });
      tracker.kick(must(request(tracker, { token }).session).id);
      request(tracker, { token, stream: 'cam2' });
      expect(mayRequest(tracker, { token })).toBe(false);
      expect(tracker.trackHttp(hit({ token }))).toBeNull();
      expect(mayRequest(tracker, { token, stream: 'cam2' })).toBe(true);
    }
  });

  it('leaves another live session of the same viewer alone, whatever it does next', () => {
    const { tracker } = setup();
    request(tracker, { token: 'a' });
    const second = connect(tracker, { token: 'a', userAgent: 'player/1.0' });
    tracker.kick(must(second.session).id);
    for (const protocol of ['hls', 'dash']) expect(mayRequest(tracker, { token: 'a', protocol })).toBe(true);
    const named = setup({ policies: [naming], identity: { viewer: ['stream', 'ip'] } });
    const phone = must(request(named.tracker, { token: 'bob-1', ip: '198.51.100.1' }).session);
    request(named.tracker, { token: 'bob-2' });
    named.tracker.kick(phone.id);
    expect(mayRequest(named.tracker, { token: 'bob-3' })).toBe(true);
  });

  it('emits one denied event, with the given reason, however many are refused', () => {
    const { tracker } = setup();
    const denied = eventsOf(tracker, 'denied');
    tracker.kick(must(request(tracker, { token: 'a' }).session).id, { reason: 'spam' });
    for (let i = 0; i < 5; i++) mayRequest(tracker, { token: 'a' });
    expect(denied).toHaveLength(1);
    expect(denied[0]?.denial).toMatchObject({ by: 'kick', detail: 'spam', target: { stream: 'cam1' } });
    expect(tracker.stats().deniedTotal).toBe(5);
    expect(tracker.denials()[0]?.hits).toBe(5);
    expect(tracker.list({ status: 'closed' })[0]?.closeDetail).toBe('spam');
  });

  it.each([NaN, -1, '60' as unknown as number])(
    'refuses to keep somebody out for %p ms, and kicks nobody',
    (denyForMs) => {
      const { tracker } = setup();
      const { id } = must(request(tracker).session);
      expect(() => tracker.kick(id, { denyForMs })).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
      expect(tracker.get(id)?.closedAt).toBeUndefined();
    },
  );

  it('survives a million kicks of unknown ids', () => {
    const { tracker } = setup();
    let done = 0;
    for (let i = 0; i < 1_000_000; i++) if (tracker.kick(`${i}`)) done++;
    expect([done, tracker.denials().length, tracker.stats().kickedTotal]).toEqual([0, 0, 0]);
  });
});
