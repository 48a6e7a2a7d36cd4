import type { ConnHit, Credentials, HttpHit, Policy } from '../src/index.js';
import { hit, live, mayConnect, mayRequest, must, now, refusal, request, setup } from './support/make.js';

const bearer = (token: string): Credentials => ({ scheme: 'bearer', token });
const password = (user: string): Credentials => ({ scheme: 'basic', user, verify: () => true });
/** Nothing of what a kicked viewer can be told by but what is asked about. */
const disguised = { userAgent: 'quite another' };

/** Says yes to everybody; who comes with a token is found to go on where the last one was. */
function renewing(userId?: string) {
  let home: string | undefined;
  let asked = 0;
  const policy: Policy = {
    name: 'renewing',
    stage: 'authorise',
    admit: () => {
      asked++;
      return { allow: true, ...(home && { continues: home }), ...(userId && { userId }) };
    },
    settled: (_, session) => void (home ??= session?.id),
  };
  const all = setup({ policies: [policy] });
  const kick = (): void => {
    expect(all.tracker.kick(must(home))).toBe(true);
    home = undefined;
    asked = 0;
  };
  return { ...all, kick, asked: () => asked };
}

describe('a kick keeps out every credential of the session', () => {
  it.each<[string, Partial<HttpHit>[]]>([
    ['tokens that were renewed', ['a', 'b', 'c'].map((token) => ({ token }))],
    ['bearers', ['a', 'b', 'c'].map((token) => ({ credentials: bearer(token) }))],
    ['a token and a bearer', [{ token: 'a' }, { token: 'a', credentials: bearer('b') }]],
    ['tokens with passwords', ['a', 'b'].map((token) => ({ token, credentials: password('u') }))],
    ['as many as are remembered', Array.from({ length: 16 }, (_, i) => ({ token: `t${i}` }))],
    ['tokens as long as can be', ['x', 'y'].map((end) => ({ token: 't'.repeat(4_095) + end }))],
  ])('%s', (_, credentials) => {
    const { tracker, kick, asked } = renewing();
    for (const each of credentials) request(tracker, each);
    expect(live(tracker)).toHaveLength(1);
    kick();
    for (const each of credentials) {
      expect(refusal(now(tracker.admit(hit({ ...each, ...disguised }))))).toMatchObject({ by: 'kick' });
      if (each.credentials?.scheme === 'bearer') {
        const { credentials: only } = each;
        expect(mayRequest(tracker, { credentials: only, ...disguised })).toBe(false);
      }
      if (each.token) expect(mayConnect(tracker, { token: each.token, protocol: 'rtsp' })).toBe(false);
    }
    expect(asked()).toBe(0);
    // at its address: a token is a name, and elsewhere it may be the name of another
    expect(mayRequest(tracker, { ...credentials[0], ip: '198.51.100.1' })).toBe(true);
  });

  it('even if a policy named the user, wherever the user comes from', () => {
    const { tracker, kick, asked } = renewing('bob');
    for (const token of ['a', 'b']) request(tracker, { token, credentials: bearer(`${token}!`) });
    kick();
    for (const each of [{ token: 'a' }, { token: 'b' }, { credentials: bearer('a!') }, { credentials: bearer('b!') }]) {
      expect(mayRequest(tracker, { ...each, ...disguised, ip: '198.51.100.1' })).toBe(false);
    }
    expect(asked()).toBe(0);
  });

  it('including those that policies were about to judge again', async () => {
    const { tracker, kick } = renewing();
    for (const token of ['a', 'b']) request(tracker, { token });
    await tracker.invalidate();
    kick();
    for (const token of ['a', 'b']) expect(mayRequest(tracker, { token, ...disguised })).toBe(false);
  });

  it('wherever those credentials appear next', () => {
    const { tracker, kick, asked } = renewing();
    request(tracker, { token: 'a', credentials: bearer('b') });
    kick();
    expect(mayRequest(tracker, { credentials: bearer('a'), ...disguised })).toBe(false);
    expect(mayRequest(tracker, { token: 'b', ...disguised })).toBe(false);
    expect(asked()).toBe(0);
  });

  it.each(['a', 'b', 'x', 'y'])('and so does deny({ token: "%s" }), for every live session that has it', (token) => {
    const { tracker } = renewing();
    request(tracker, { token: 'a', credentials: bearer('x') });
    request(tracker, { token: 'b', credentials: bearer('y') });
    tracker.deny({ token: 'another' });
    expect(live(tracker)).toHaveLength(1);
    tracker.deny({ token });
    expect(live(tracker)).toEqual([]);
    for (const back of [{ token }, { credentials: bearer(token) }]) {
      expect(mayRequest(tracker, { ...back, ...disguised, ip: '198.51.100.1' })).toBe(false);
    }
  });
});

describe('a kick keeps out every name of the session', () => {
  it.each<[string, Partial<HttpHit>[]]>([
    ['players', ['x', 'y', 'z'].map((userAgent) => ({ userAgent }))],
    ['players with long names', ['x', 'y'].map((end) => ({ userAgent: 'u'.repeat(2_000) + end }))],
    ['sids', ['x', 'y', 'z'].map((sid) => ({ sid, userAgent: 'u' }))],
    ['playback sessions', ['x', 'y', 'z'].map((playerSessionId) => ({ playerSessionId, userAgent: 'u' }))],
  ])('%s', (what, names) => {
    const { tracker } = setup();
    for (const each of names) request(tracker, { token: 't', ...each });
    tracker.kick(must(live(tracker)[0]).id);
    for (const each of names) {
      const back = what.startsWith('players') ? each : { ...each, ...disguised };
      expect(mayRequest(tracker, back)).toBe(false);
    }
    expect(mayRequest(tracker, { userAgent: 'z'.repeat(3_000) })).toBe(true);
  });
});

describe('a viewer whom a policy named, and who comes back without a name', () => {
  /** The token says who it is; without one, anybody may watch. */
  const naming: Policy = {
    name: 'naming',
    stage: 'authorise',
    admit: ({ token, query }) => {
      const userId = token ?? query;
      return userId === undefined ? { allow: true } : { allow: true, userId };
    },
  };
  const kickBob = () => {
    const { tracker } = setup({ policies: [naming] });
    tracker.kick(must(request(tracker, { token: 'bob' }).session).id);
    return tracker;
  };

  it.each<[string, Partial<HttpHit>]>([
    ['with nothing', {}],
    ['with a sid', { sid: 's' }],
    ['with a bearer that names nobody', { credentials: bearer('x') }],
    ['over DASH', { protocol: 'dash' }],
  ])('is kept out at the same address: %s', (_, over) => {
    const tracker = kickBob();
    expect(refusal(now(tracker.admit(hit(over))))).toMatchObject({ by: 'kick', target: { user: 'bob' } });
    expect(mayRequest(tracker, { ...over, ip: '198.51.100.1' })).toBe(true);
    expect(mayRequest(tracker, { ...over, userAgent: 'other' })).toBe(true);
  });

  it.each<Partial<ConnHit>>([{}, { protocol: 'srt', userAgent: 'SRT/1.5.1' }])('is kept out over %j', (over) => {
    expect(mayConnect(kickBob(), over)).toBe(false);
  });

  it('is not mistaken for others whom policies name', () => {
    const tracker = kickBob();
    expect(mayRequest(tracker, { token: 'ann' })).toBe(true);
    expect(mayRequest(tracker, { query: 'carl' })).toBe(true);
    expect(mayConnect(tracker, { token: 'dora', userAgent: 'SRT/1.5.1' })).toBe(true);
  });
});
