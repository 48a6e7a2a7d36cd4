import type { Candidate, PlaySession, Policy, Verdict } from '../src/index.js';
import { conn, hit, live, mayConnect, mayRequest, must, now, refusal, request, setup, story } from './support/make.js';

const yes: Verdict = { allow: true };

/** A policy that answers so, and keeps what it was told. */
function answering(answer: (candidate: Candidate) => unknown, over: Partial<Policy> = {}) {
  const asked: Candidate[] = [];
  const settled: (PlaySession | undefined)[] = [];
  const policy: Policy = {
    name: 'p',
    admit: (candidate) => {
      asked.push(candidate);
      return answer(candidate) as Verdict;
    },
    settled: (_, session) => void settled.push(session),
    ...over,
  };
  return { policy, asked, settled };
}

describe('admit with policies that answer at once', () => {
  it('asks the policies when a session opens, and never about a known session', () => {
    const { policy, asked, settled } = answering(() => yes);
    const { tracker } = setup({ policies: [policy] });
    for (let i = 0; i < 5; i++) request(tracker, { token: 'a', url: '/cam1/index.m3u8' }).end(10);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ stream: 'cam1', token: 'a', kind: 'viewer', url: '/cam1/index.m3u8' });
    expect(Object.isFrozen(asked[0])).toBe(true);
    expect(settled).toMatchObject([{ openedAt: live(tracker)[0]?.openedAt }]);
    expect(live(tracker)[0]?.bytes).toBe(50);
  });

  it('asks again when a session brings a stream or token that was not judged yet', () => {
    const { policy, asked } = answering(({ token }) => (token === 'bad' ? { allow: false, reason: 'no' } : yes));
    const { tracker } = setup({ policies: [policy], identity: { viewer: ['ip'] } });
    request(tracker, { token: 'a' });
    request(tracker, { token: 'a', stream: 'cam2' });
    expect(asked).toHaveLength(2);
    expect(asked[1]?.session).toMatchObject({ stream: 'cam1' });
    expect(mayRequest(tracker, { token: 'bad' })).toBe(false);
    request(tracker, { token: 'b' });
    expect(asked).toHaveLength(4);
    for (const over of [{ token: 'a' }, { token: 'b' }, { token: 'a', stream: 'cam2' }]) request(tracker, over);
    expect(asked).toHaveLength(4);
    request(tracker, { token: 'b', stream: 'cam2' });
    expect(asked).toHaveLength(5);
    expect(live(tracker)).toHaveLength(1);
  });

  it.each([{ slow: false }, { slow: true }])(
    'asks again about a new address of a session whose recipe has no address (slow: $slow)',
    async ({ slow }) => {
      const { policy, asked } = answering(({ ip }) => {
        const verdict = ip.startsWith('203.') ? yes : { allow: false, reason: 'elsewhere' };
        return slow ? Promise.resolve(verdict) : verdict;
      });
      const { tracker } = setup({ policies: [policy], identity: { viewer: ['stream', 'token'] } });
      const may = async (ip: string) => (await tracker.admit(hit({ token: 'a', ip }))).admitted;
      // the second does not wait for the answer to the first
      expect(await Promise.all([may('203.0.113.1'), may('198.51.100.2')])).toEqual([true, false]);
      expect([await may('203.0.113.1'), await may('198.51.100.2'), await may('203.0.113.9')]).toEqual([
        true,
        false,
        true,
      ]);
      for (let i = 0; i < 3; i++) expect([await may('203.0.113.9'), await may('203.0.113.1')]).toEqual([true, true]);
      expect(asked.map(({ ip }) => ip)).toEqual(['203.0.113.1', '198.51.100.2', '198.51.100.2', '203.0.113.9']);
      expect(live(tracker)).toMatchObject([{ ips: ['203.0.113.1', '203.0.113.9'] }]);
    },
  );

  it('asks at the first admit of a session that trackHttp opened', () => {
    const { policy, asked } = answering(() => ({ allow: true, userId: 'bob' }));
    const { tracker } = setup({ policies: [policy] });
    tracker.trackHttp(hit());
    tracker.trackHttp(hit());
    expect(asked).toHaveLength(0);
    request(tracker);
    request(tracker);
    expect(asked).toHaveLength(1);
    expect(live(tracker)).toMatchObject([{ userId: 'bob', userName: 'bob' }]);
  });

  it('counts a hit found by an alias, but does not admit it while a policy authorises', () => {
    const { policy, asked } = answering(({ token }) => (token ? yes : { allow: false, reason: 'unauthorized' }), {
      stage: 'authorise',
    });
    const strict = setup({ policies: [policy], deniedRetentionMs: 0 });
    request(strict.tracker, { token: 'a' });
    expect(mayRequest(strict.tracker)).toBe(false);
    expect(strict.tracker.trackHttp(hit({ bytes: 5 }))).toMatchObject({ namedBy: 'token', bytes: 5 });
    expect(asked).toHaveLength(2);
    const lenient = setup({ policies: [policy], identity: { aliases: 'admit' } });
    request(lenient.tracker, { token: 'a' });
    expect(mayRequest(lenient.tracker)).toBe(true);
    const other = setup({ policies: [{ ...policy, stage: 'concurrency' }] });
    request(other.tracker, { token: 'a' });
    expect(mayRequest(other.tracker)).toBe(true);
  });

  it('asks stage by stage, tells later policies what earlier ones said, and stops at the first no', () => {
    const order: string[] = [];
    const policy = (name: string, stage: Policy['stage'], verdict: Verdict): Policy => ({
      name,
      ...(stage ? { stage } : {}),
      admit: ({ userId, maxSessions }) => {
        order.push(`${name} ${userId} ${maxSessions}`);
        return verdict;
      },
    });
    const { tracker } = setup({
      policies: [
        policy('custom', undefined, yes),
        policy('pass', 'pass', { allow: false, reason: 'quota_data', kind: 'limit', detail: 'empty' }),
        policy('concurrency', 'concurrency', yes),
        policy('first', 'authorise', { allow: true, userId: 'bob', maxSessions: 3 }),
        policy('second', 'authorise', { allow: true, maxSessions: 2 }),
      ],
    });
    expect(refusal(now(tracker.admit(hit())))).toMatchObject({ reason: 'quota_data', kind: 'limit', detail: 'empty' });
    expect(order).toEqual(['first undefined undefined', 'second bob 3', 'concurrency bob 2', 'pass bob 2']);
    expect(tracker.explain('x')).toBeUndefined();
  });

  it('combines several approvals: the later name, the tighter limits and the earlier expiry', () => {
    const { tracker, clock } = setup({
      policies: [
        {
          name: 'a',
          admit: () => ({
            allow: true,
            userId: 'a',
            tags: { x: '1' },
            limits: { downMbits: 5, upMbits: 1 },
            expiresAt: 2e12,
          }),
        },
        { name: 'b', admit: () => ({ allow: true, tags: { y: '2' }, limits: { downMbits: 3 }, expiresAt: 1.9e12 }) },
        {
          name: 'c',
          admit: () =>
            ({
              allow: true,
              userId: undefined,
              tags: undefined,
              limits: undefined,
              expiresAt: undefined,
              replace: undefined,
            }) as unknown as Verdict,
        },
      ],
    });
    const handle = request(tracker);
    expect(handle.session).toMatchObject({ userId: 'a', tags: { x: '1', y: '2' } });
    expect(handle.limits).toEqual({ downMbits: 3, upMbits: 1 });
    clock.jump(1.9e12 - clock.now());
    tracker.sweep();
    expect(handle.session?.closeReason).toBe('expired');
  });

  it('closes the replaced session before it opens the new one', () => {
    let replace: string[] = [];
    const { tracker } = setup({ policies: [{ name: 'p', admit: () => ({ allow: true, replace }) }] });
    const told = story(tracker);
    const first = must(request(tracker, { token: 'a' }).session).id;
    replace = [first, 'unknown'];
    const second = must(request(tracker, { token: 'b' }).session).id;
    expect(told).toEqual([`opened ${first}`, `closed ${first} replaced 0`, `opened ${second}`]);
    expect(tracker.stats()).toMatchObject({ active: 1, openedTotal: 2 });
  });

  describe('fails closed when a policy', () => {
    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('broken');
        },
      ],
      ['says nothing', () => undefined],
      ['says null', () => null],
      ['says true', () => true],
      ['says neither', () => ({})],
      ['says yes in words', () => ({ allow: 'yes' })],
      ['says no without a reason', () => ({ allow: false })],
      ['gives an end that is not a time', () => ({ allow: true, expiresAt: NaN })],
      ['gives an end in words', () => ({ allow: true, expiresAt: 'tomorrow' })],
      ['gives an end that has passed', () => ({ allow: true, expiresAt: 5 })],
      ['gives a user that is not text', () => ({ allow: true, userId: 5 })],
      ['replaces what is not a list', () => ({ allow: true, replace: 5 })],
      ['replaces a text', () => ({ allow: true, replace: 'abc' })],
    ])('%s', (_, answer) => {
      const reserved = answering(() => yes);
      const { policy, settled } = answering(answer);
      const { tracker } = setup({ policies: [reserved.policy, policy], closedRetentionMs: 0 });
      const told = story(tracker);
      const denial = refusal(now(tracker.admit(hit())));
      if (!_.includes('passed'))
        expect(denial).toMatchObject({ by: 'policy', reason: 'policy_error', kind: 'overload' });
      expect(reserved.settled).toEqual([undefined]);
      expect(settled).toEqual([]);
      expect(tracker.denials()).toEqual([]);
      expect(told).toEqual([`denied policy ${denial.reason}`]);
      expect(tracker.stats()).toMatchObject({ active: 0, openedTotal: 0, deniedTotal: 1 });
    });
  });

  it('survives policies that throw when they are only notified', () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    const { tracker, logged } = setup({ policies: [{ name: 'p', admit: () => yes, settled: fail, closed: fail }] });
    tracker.kick(must(request(tracker).session).id);
    expect(logged.map(({ details }) => details['policy'])).toEqual(['p', 'p']);
    expect(tracker.stats()).toMatchObject({ openedTotal: 1, closedTotal: 1 });
  });

  it('looks up the country once per session', () => {
    const country = jest.fn(() => 'NL');
    const { tracker } = setup({ geo: { country }, policies: [{ name: 'p', admit: () => yes }] });
    request(tracker);
    request(tracker);
    expect(country).toHaveBeenCalledTimes(1);
    expect(live(tracker)[0]?.country).toBe('NL');
  });

  it('opens without a country when the resolver throws', () => {
    const { tracker } = setup({
      geo: {
        country: () => {
          throw new Error('no file');
        },
      },
    });
    expect(request(tracker).session?.country).toBeUndefined();
  });

  it('cuts at once when a listener of `opened` has ended the session', () => {
    const opening = setup();
    opening.tracker.on('opened', ({ session }) => opening.tracker.kick(session.id));
    expect(mayRequest(opening.tracker)).toBe(false);
    expect(mayConnect(opening.tracker, {})).toBe(false);
    expect(opening.tracker.openConn(conn({ stream: 'cam2' })).session).toMatchObject({ closeReason: 'kicked' });
  });
});
