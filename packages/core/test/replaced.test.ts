import type { Approval, Policy, SessionTracker } from '../src/index.js';
import {
  connect,
  deferred,
  hit,
  live,
  mayConnect,
  mayRequest,
  must,
  now,
  pending,
  refusal,
  request,
  settleAll,
  setup,
} from './support/make.js';

/** The newest of a user replaces all others of that user: one device at a time. */
const latestOnly = (tracker: () => SessionTracker): Policy => ({
  name: 'latest only',
  admit: ({ userId, session }) => {
    const others = () =>
      tracker()
        .list({ status: 'active' })
        .filter(({ id }) => id !== session?.id)
        .map(({ id }) => id);
    return userId === 'guest' ? { allow: true } : { allow: true, replace: others };
  },
});

function oneDevice() {
  const all: ReturnType<typeof setup> = setup({ policies: [latestOnly(() => all.tracker)] });
  return all;
}

describe('a replaced session', () => {
  const phone = { token: 'a', userAgent: 'phone' };
  const tv = { token: 'a', userAgent: 'tv', ip: '203.0.113.8' };
  const tablet = { token: 'a', userAgent: 'tablet', ip: '203.0.113.9' };

  it('stays out while the one that replaced it lives, so that two devices do not take turns', () => {
    const { tracker, clock } = oneDevice();
    const first = must(request(tracker, phone).session);
    const second = must(request(tracker, tv).session);
    expect(tracker.get(first.id)?.closeReason).toBe('replaced');
    for (let i = 0; i < 3; i++) {
      expect(refusal(now(tracker.admit(hit(phone))))).toMatchObject({
        by: 'policy',
        kind: 'limit',
        reason: 'replaced',
        until: clock.now() + 10_000,
      });
      clock.advance(11_000);
      expect(mayRequest(tracker, tv)).toBe(true);
    }
    expect(live(tracker).map(({ id }) => id)).toEqual([second.id]);
    tracker.kick(second.id, { denyForMs: 0 });
    expect(tracker.denials()).toEqual([]);
    expect(mayRequest(tracker, phone)).toBe(true);
  });

  describe.each([false, true])('makes room for one that is served later: %s', (tentative) => {
    const replace = (tracker: SessionTracker) => {
      const answer = now(tracker.admit(hit({ ...tv, tentative })));
      if (answer.admitted) answer.handle.served();
      return answer;
    };

    it('and its end is a reason for a listener to stop: nobody is let in any more', async () => {
      const { tracker } = oneDevice();
      request(tracker, phone);
      let stopped: Promise<void> | undefined;
      tracker.on('closed', () => void (stopped ??= tracker.stop()));
      replace(tracker);
      await stopped;
      expect(live(tracker)).toEqual([]);
      expect(tracker.stats().openedTotal).toBe(tracker.stats().closedTotal);
    });

    it.each([{ userAgent: 'tv' }, { stream: 'cam1' }])(
      'and is denied by a listener as %p: it does not play',
      (target) => {
        const { tracker } = oneDevice();
        request(tracker, phone);
        tracker.on('closed', ({ reason }) => void (reason === 'replaced' && tracker.deny(target)));
        const answer = replace(tracker);
        expect(answer.admitted && !answer.handle.signal.aborted).toBe(false);
        expect(live(tracker)).toEqual([]);
        expect(tracker.denials().map(({ reason }) => reason)).toEqual(['denied']);
      },
    );
  });

  it('stays out with an older token or another player that it had', () => {
    let home: string | undefined;
    const { tracker } = setup({
      policies: [
        {
          name: 'latest address only',
          admit: ({ ip }, view) => {
            const others = view.list({ status: 'active' }).filter((session) => session.ip !== ip);
            const continues = others.length === 0 && home !== undefined ? { continues: home } : {};
            return { allow: true, replace: others.map(({ id }) => id), ...continues };
          },
          settled: (_, session) => void (home ??= session?.id),
        },
      ],
    });
    const before = [phone, { ...phone, token: 'renewed' }, { ...phone, token: 'renewed', userAgent: 'phone, too' }];
    for (const each of before) request(tracker, each);
    expect(live(tracker)).toHaveLength(1);
    request(tracker, tv);
    for (const each of before) expect(refusal(now(tracker.admit(hit(each))))).toMatchObject({ reason: 'replaced' });
    expect(live(tracker)).toMatchObject([{ userAgent: 'tv' }]);
    expect(mayRequest(tracker, { ...phone, token: 'another' })).toBe(true);
  });

  it('stays out while a third device, which replaced the second, is live', () => {
    const { tracker } = oneDevice();
    for (const device of [phone, tv, tablet]) request(tracker, device);
    for (const device of [phone, tv]) expect(mayRequest(tracker, device)).toBe(false);
    expect(live(tracker)).toMatchObject([{ userAgent: 'tablet' }]);
    tracker.kickAll({ protocol: 'hls' }, { denyForMs: 0 });
    expect(tracker.denials()).toEqual([]);
  });

  it.each<[string, object]>([
    ['stream', { stream: 'cam2' }],
    ['token', { token: 'b' }],
    ['no token', { token: undefined }],
    ['address', { ip: '203.0.113.77' }],
    ['user agent', { userAgent: 'other' }],
    ['protocol', { protocol: 'dash' }],
  ])('may come back as another viewer with another %s', (_, other) => {
    const { tracker } = oneDevice();
    request(tracker, phone);
    request(tracker, tv);
    expect(mayRequest(tracker, { ...phone, ...other })).toBe(true);
  });

  it('stays out over a connection that looks the same, while its replacement, which does too, continues', () => {
    const { tracker } = oneDevice();
    connect(tracker, { token: 'a' });
    const second = connect(tracker, { token: 'a' });
    expect(mayConnect(tracker, { token: 'a' })).toBe(false);
    second.close();
    expect(mayConnect(tracker, { token: 'a' })).toBe(true);
  });

  it('stays out when policies decide again', async () => {
    const { tracker } = oneDevice();
    request(tracker, phone);
    const { id } = must(request(tracker, tv).session);
    expect(await tracker.invalidate()).toMatchObject({ kept: 1, denialsLifted: 0 });
    await tracker.reauthorize({ session: id });
    expect(mayRequest(tracker, phone)).toBe(false);
  });

  it('is chosen when the new session opens, not when the new session asked', async () => {
    const answer = deferred<Approval>();
    const all: ReturnType<typeof setup> = setup({
      policies: [
        latestOnly(() => all.tracker),
        { name: 'slow', admit: ({ sid }) => (sid ? answer.promise : { allow: true }) },
      ],
    });
    const { tracker } = all;
    const slow = pending(tracker.admit(hit({ sid: 's' })));
    request(tracker, phone);
    answer.resolve({ allow: true });
    await slow;
    expect(live(tracker)).toMatchObject([{ namedBy: 'cmcd' }]);
  });

  it('is not chosen if the policy throws: then the newcomer is refused', async () => {
    const settled: unknown[] = [];
    const policy: Policy = {
      name: 'p',
      admit: () => ({
        allow: true,
        replace: () => {
          throw new Error('broken');
        },
      }),
      settled: (_, session) => void settled.push(session),
    };
    const { tracker } = setup({ policies: [policy] });
    expect(refusal(now(tracker.admit(hit())))).toMatchObject({ reason: 'policy_error' });
    expect([tracker.stats().active, settled]).toEqual([0, [undefined]]);
    await settleAll();
  });
});

describe('a session whose place is taken', () => {
  it('ends as idle and may come back', () => {
    let release: string[] = [];
    const { tracker } = setup({ policies: [{ name: 'p', admit: () => ({ allow: true, release }) }] });
    const { id } = must(request(tracker, { token: 'a' }).session);
    release = [id, 'unknown'];
    request(tracker, { token: 'b' });
    release = [];
    expect(tracker.get(id)?.closeReason).toBe('idle');
    expect(mayRequest(tracker, { token: 'a' })).toBe(true);
  });
});

describe('activeAt in the view of a policy', () => {
  it('is the time of the last activity, and now while something is open', () => {
    let activeAt: (id: string) => number | undefined = () => undefined;
    const { tracker, clock } = setup({
      policies: [{ name: 'p', admit: (_, view) => ((activeAt = (id) => view.activeAt(id)), { allow: true }) }],
    });
    const handle = request(tracker);
    const { id, openedAt } = must(handle.session);
    clock.advance(5_000);
    expect(activeAt(id)).toBe(openedAt + 5_000);
    handle.end();
    clock.advance(7_000);
    expect(activeAt(id)).toBe(openedAt + 5_000);
    tracker.kick(id);
    expect([activeAt(id), activeAt('nobody')]).toEqual([undefined, undefined]);
  });
});

it('settled gets the candidate that the policy said yes to', () => {
  const told: (string | undefined)[] = [];
  const { tracker } = setup({
    policies: [
      { name: 'names', stage: 'authorise', admit: () => ({ allow: true, userId: 'bob' }) },
      { name: 'listens', admit: () => ({ allow: true }), settled: ({ userId }) => void told.push(userId) },
    ],
  });
  request(tracker);
  expect(told).toEqual(['bob']);
});
