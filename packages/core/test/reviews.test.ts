import type { PlaySession, Policy, Verdict } from '../src/index.js';
import { connect, hit, live, mayRequest, now, refusal, request, setup, settleAll } from './support/make.js';

const yes: Verdict = { allow: true };

/** A policy that is asked once a minute after opening. */
const everyMinute = (over: Partial<Policy>): Policy => {
  const next = new Map<string, number>();
  return {
    name: 'minute',
    admit: () => yes,
    deadline: ({ id, openedAt }) => ({ at: next.get(id) ?? openedAt + 60_000 }),
    ...over,
    review: (session, at) => {
      next.set(session.id, at + 60_000);
      return over.review?.(session, at) ?? yes;
    },
  };
};

/** Keeps a connection alive for so long. */
function play(
  clock: { advance(ms: number): void },
  handle: { touch(bytes: number): void },
  ms: number,
  bytes = 0,
): void {
  for (let t = 0; t < ms; t += 1_000) {
    handle.touch(bytes);
    clock.advance(1_000);
  }
}

describe("a policy's deadline", () => {
  it('is reviewed on time, and again when the policy says', () => {
    const at: number[] = [];
    const policy = everyMinute({ review: (session, when) => (at.push(when - session.openedAt), yes) });
    const { tracker, clock } = setup({ policies: [policy] });
    const handle = connect(tracker);
    play(clock, handle, 185_000);
    expect(at.map((ms) => Math.round(ms / 1_000))).toEqual([60, 120, 180]);
  });

  it('closes the session with the reason of the no, which is remembered as long as it says', () => {
    const no: Verdict = { allow: false, reason: 'quota_time', kind: 'limit', detail: 'used up', denyForMs: 30_000 };
    let verdict: Verdict = no;
    const { tracker, clock } = setup({ policies: [everyMinute({ review: () => verdict })] });
    const handle = request(tracker, { token: 'a', query: 'token=a' });
    const cuts: string[] = [];
    handle.onCut((reason) => (cuts.push(reason), 5));
    play(clock, handle, 62_000, 1);
    verdict = yes;
    expect(cuts).toEqual(['quota_time']);
    expect(handle.session).toMatchObject({ closeReason: 'quota_time', closeDetail: 'used up' });
    expect(refusal(now(tracker.admit(hit({ token: 'a' }))))).toMatchObject({ reason: 'quota_time', kind: 'limit' });
    clock.advance(30_000);
    expect(mayRequest(tracker, { token: 'a' })).toBe(true);
  });

  it.each([2_300, 2_999, 45_700, 700_500])('comes on time, not at the next sweep: after %i ms', (ms) => {
    const seen: number[] = [];
    let at = Infinity;
    const policy: Policy = {
      name: 'on time',
      deadline: ({ openedAt }) => ({ at: Math.min(at, openedAt + ms) }),
      review: (session, when) => {
        seen.push(when - session.openedAt);
        return { allow: false, reason: 'quota_time' };
      },
    };
    const { tracker, clock } = setup({ policies: [policy], idleTimeoutMs: 1e7, stallTimeoutMs: 0 });
    at = clock.now() + ms;
    request(tracker);
    clock.advance(ms - 1);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual([ms]);
  });

  it('comes by bytes', () => {
    const seen: number[] = [];
    const policy: Policy = {
      name: 'bytes',
      deadline: () => ({ bytes: 1_000 }),
      review: ({ bytes }) => (seen.push(bytes), { allow: false, reason: 'quota_data' }),
    };
    const { tracker, clock } = setup({ policies: [policy] });
    const handle = connect(tracker);
    handle.touch(999);
    clock.advance(5_000);
    expect(seen).toEqual([]);
    handle.touch(1);
    clock.advance(1_000);
    expect(seen).toEqual([1_000]);
    expect(handle.session?.closeReason).toBe('quota_data');
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['says nothing', () => undefined],
    ['says no without a reason', () => ({ allow: false })],
  ])('fails closed when its review %s', (_, review) => {
    const policy = { name: 'p', admit: () => yes, deadline: () => ({ at: 0 }), review } as unknown as Policy;
    const { tracker, clock } = setup({ policies: [policy] });
    const handle = connect(tracker);
    clock.advance(2_000);
    expect(handle.session?.closeReason).toBe('policy_error');
    expect(tracker.stats().active).toBe(0);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['says no time', () => ({ at: NaN })],
    ['says a time in words', () => ({ at: 'soon', bytes: 'many' })],
  ])('is due at the next sweep, and affects nobody else, when deadline() %s', (_, deadline) => {
    const broken = { name: 'broken', deadline, review: () => yes } as unknown as Policy;
    const { tracker, clock } = setup({ policies: [broken] });
    for (let i = 0; i < 5; i++) tracker.trackHttp(hit({ token: `t${i}` }));
    const handle = connect(tracker);
    clock.advance(2_000);
    expect(handle.session?.closeReason).toBe('policy_error');
    expect(tracker.stats()).toMatchObject({ active: 0, openedTotal: 6, closedTotal: 6 });
    tracker.updateConfig({ policies: [] });
    tracker.trackHttp(hit());
    clock.advance(20_000);
    expect(live(tracker)).toHaveLength(1);
  });

  describe("answered with 'ask'", () => {
    it('asks again in the background while the session plays on, once at a time', async () => {
      const answers: ((verdict: Verdict) => void)[] = [];
      let first = true;
      const policy = everyMinute({
        admit: () => {
          if (first) return ((first = false), yes);
          return new Promise<Verdict>((resolve) => answers.push(resolve));
        },
        review: () => 'ask',
        deadline: ({ openedAt }) => ({ at: openedAt + 60_000 }),
      });
      const { tracker, clock } = setup({ policies: [policy] });
      const handle = connect(tracker);
      play(clock, handle, 65_000, 1);
      expect(answers).toHaveLength(1);
      expect(handle.session?.closedAt).toBeUndefined();
      answers[0]?.({ allow: false, reason: 'unauthorized' });
      await settleAll();
      expect(handle.session?.closeReason).toBe('unauthorized');
    });

    it('drops a session that is refused at once: it is never examined again', () => {
      let verdict: Verdict = yes;
      const reviewed: PlaySession[] = [];
      const policy: Policy = {
        name: 'p',
        admit: () => verdict,
        deadline: ({ openedAt }) => ({ at: openedAt + 5_000 }),
        review: (session) => (reviewed.push(session), 'ask'),
      };
      const { tracker, clock } = setup({ policies: [policy] });
      connect(tracker);
      verdict = { allow: false, reason: 'unauthorized' };
      clock.advance(120_000);
      expect(reviewed).toHaveLength(1);
      expect(tracker.stats()).toMatchObject({ active: 0, closedTotal: 1 });
    });

    it('finishes each sweep although thousands wait for an answer', () => {
      const policy: Policy = {
        name: 'p',
        admit: ({ session }) => (session ? new Promise<Verdict>(() => undefined) : yes),
        deadline: ({ openedAt }) => ({ at: openedAt + 5_000 }),
      };
      const { tracker, clock } = setup({ policies: [policy], maxSessionsPerIp: 1e6 });
      for (let i = 0; i < 3_000; i++) request(tracker, { token: `t${i}` }).end();
      clock.advance(10_000);
      expect(live(tracker)).toHaveLength(3_000);
    });
  });
});

describe('what a review changes of a session', () => {
  const granting = () => {
    let verdict: Verdict = { allow: true, userId: 'ann', tags: { plan: 'free' }, limits: { downMbits: 2 } };
    const policy: Policy = { name: 'plans', admit: () => verdict };
    const all = setup({ policies: [policy], updateIntervalMs: 1_000 });
    const { session } = connect(all.tracker);
    const updated: PlaySession[] = [];
    all.tracker.on('updated', (event) => updated.push(event.session));
    const decideAgain = async (next: Verdict) => {
      verdict = next;
      await all.tracker.reauthorize({ session: session?.id ?? '' });
      all.clock.advance(1_000);
      return updated.splice(0);
    };
    return { decideAgain };
  };

  it.each<[string, Verdict, Partial<PlaySession>]>([
    ['its user', { allow: true, userId: 'bob' }, { userId: 'bob' }],
    ['its tags', { allow: true, tags: { plan: 'paid' } }, { tags: { plan: 'paid' } }],
    ['its limits', { allow: true, limits: { downMbits: 8 } }, { limits: { downMbits: 8 } }],
  ])('is reported to listeners: %s', async (_, verdict, shown) => {
    expect(await granting().decideAgain(verdict)).toMatchObject([shown]);
  });

  it('is not reported when nothing is different', async () => {
    const same: Verdict = { allow: true, userId: 'ann', tags: { plan: 'free' }, limits: { downMbits: 2 } };
    expect(await granting().decideAgain(same)).toEqual([]);
  });
});
