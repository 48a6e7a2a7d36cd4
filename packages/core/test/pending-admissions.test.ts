import type { Candidate, PlaySession, Policy, Verdict } from '../src/index.js';
import {
  conn,
  deferred,
  hit,
  letIn,
  live,
  must,
  now,
  pending,
  refusal,
  setup,
  settleAll,
  story,
} from './support/make.js';
import { pace } from '../../../test/support/until.js';

const yes: Verdict = { allow: true };

/** A policy that answers when the test says so, question by question. */
function slow(over: Partial<Policy> = {}) {
  const questions: { candidate: Candidate; answer: (verdict: Verdict) => void; fail: (error: unknown) => void }[] = [];
  const settled: (PlaySession | undefined)[] = [];
  const policy: Policy = {
    name: 'slow',
    admit: (candidate) => {
      const { promise, resolve, reject } = deferred<Verdict>();
      questions.push({ candidate, answer: resolve, fail: reject });
      return promise;
    },
    settled: (_, session) => void settled.push(session),
    ...over,
  };
  return { policy, questions, settled };
}

describe('admit with an asynchronous policy', () => {
  it('opens nothing until the policy answers, then one session', async () => {
    const { policy, questions, settled } = slow();
    const { tracker } = setup({ policies: [policy] });
    const told = story(tracker);
    const admission = pending(tracker.admit(hit()));
    expect([live(tracker), told]).toEqual([[], []]);
    questions[0]?.answer(yes);
    const handle = letIn(await admission);
    expect(told).toEqual([`opened ${handle.session?.id}`]);
    expect(settled).toMatchObject([{ id: handle.session?.id }]);
    letIn(now(tracker.admit(hit())));
  });

  it('shares one question among concurrent first hits of one viewer', async () => {
    const { policy, questions, settled } = slow();
    const { tracker } = setup({ policies: [policy] });
    const told = story(tracker);
    const all = [1, 2, 3].map(() => pending(tracker.admit(hit({ token: 'a' }))));
    const other = pending(tracker.admit(hit({ token: 'b' })));
    expect(questions).toHaveLength(2);
    for (const { answer } of questions) answer(yes);
    const handles = (await Promise.all(all)).map(letIn);
    await other;
    expect(new Set(handles.map(({ session }) => session?.id)).size).toBe(1);
    expect(told).toHaveLength(2);
    expect(settled).toHaveLength(2);
    handles[0]?.touch(1);
    handles[1]?.touch(2);
    expect(handles[2]?.session?.bytes).toBe(3);
  });

  it('opens one session for first hits over two protocols, approved by both answers', async () => {
    const { policy, questions } = slow();
    const { tracker } = setup({ policies: [policy] });
    const both = (['hls', 'dash'] as const).map((protocol) => pending(tracker.admit(hit({ protocol }))));
    for (const { answer } of questions) answer({ allow: true, userId: 'bob' });
    await Promise.all(both);
    expect(live(tracker)).toMatchObject([{ protocols: ['hls', 'dash'], userId: 'bob' }]);
  });

  it('applies the answer to a session that was recorded meanwhile', async () => {
    const { policy, questions } = slow();
    const { tracker, clock } = setup({ policies: [policy] });
    const admission = pending(tracker.admit(hit()));
    tracker.trackHttp(hit({ bytes: 7 }));
    questions[0]?.answer({ allow: true, userId: 'bob', expiresAt: clock.now() + 5_000, tags: { a: 'b' } });
    const { session } = letIn(await admission);
    expect(session).toMatchObject({ userId: 'bob', bytes: 7, tags: { a: 'b' } });
    clock.advance(6_000);
    expect(tracker.get(must(session).id)?.closeReason).toBe('expired');
  });

  it('refuses every request that waited for the same refusal', async () => {
    const { policy, questions, settled } = slow();
    const { tracker } = setup({ policies: [policy] });
    const all = [1, 2].map(() => pending(tracker.admit(hit())));
    questions[0]?.answer({ allow: false, reason: 'unauthorized', kind: 'credentials' });
    for (const admission of await Promise.all(all)) {
      expect(refusal(admission)).toMatchObject({ reason: 'unauthorized', kind: 'credentials' });
    }
    expect(settled).toEqual([]);
  });

  it('opens nothing when the client has left, and releases what was reserved', async () => {
    const { policy, questions, settled } = slow();
    const { tracker } = setup({ policies: [policy] });
    const admission = pending(tracker.admit(conn()));
    admission.cancel();
    admission.cancel();
    questions[0]?.answer({ allow: true, replace: [] });
    expect(refusal(await admission).reason).toBe('client_gone');
    expect(tracker.stats()).toMatchObject({ openedTotal: 0, active: 0 });
    expect(settled).toEqual([undefined]);
  });

  it('opens for a request that still waits when another of the same viewer was cancelled', async () => {
    const { policy, questions } = slow();
    const { tracker } = setup({ policies: [policy] });
    const [first, second] = [pending(tracker.admit(hit())), pending(tracker.admit(hit({ query: 'second' })))];
    first.cancel();
    questions[0]?.answer(yes);
    expect((await first).admitted).toBe(false);
    expect(letIn(await second).session?.connections).toBe(0);
    expect(tracker.stats().openedTotal).toBe(1);
    second.cancel();
    expect(live(tracker)).toHaveLength(1);
  });

  it('lets a kick or a denial during the wait win', async () => {
    const { policy, questions, settled } = slow();
    const { tracker } = setup({ policies: [policy] });
    const same = pending(tracker.admit(hit({ token: 'a' })));
    const other = pending(tracker.admit(hit({ token: 'b', ip: '198.51.100.1' })));
    tracker.kick(must(tracker.trackHttp(hit({ token: 'a' }))).id);
    tracker.deny({ ip: '198.51.100.1' });
    for (const { answer } of questions) answer(yes);
    expect(refusal(await same).by).toBe('kick');
    expect(refusal(await other).by).toBe('deny');
    expect(settled).toEqual([undefined, undefined]);
    expect(live(tracker)).toEqual([]);
  });

  it('checks the user that the policy names against the denials', async () => {
    const { policy, questions } = slow();
    const { tracker } = setup({ policies: [policy] });
    tracker.deny({ user: 'bob' });
    const admission = pending(tracker.admit(hit()));
    questions[0]?.answer({ allow: true, userId: 'bob' });
    expect(refusal(await admission).by).toBe('deny');
  });

  it('refuses when there is no answer in time, and settles a late yes without a session', async () => {
    const first = slow({ name: 'first' });
    const second = slow({ name: 'second' });
    const { tracker, clock } = setup({ policies: [first.policy, second.policy], policyTimeoutMs: 3_000 });
    const admission = pending(tracker.admit(hit()));
    first.questions[0]?.answer(yes);
    await settleAll();
    clock.advance(2_999);
    await settleAll();
    expect(tracker.stats().deniedTotal).toBe(0);
    clock.advance(1);
    expect(refusal(await admission)).toMatchObject({ reason: 'policy_error' });
    expect([first.settled, second.settled]).toEqual([[undefined], []]);
    second.questions[0]?.answer(yes);
    await settleAll();
    expect(second.settled).toEqual([undefined]);
    expect(tracker.stats()).toMatchObject({ openedTotal: 0, active: 0 });
    expect(tracker.denials()).toEqual([]);
  });

  it('fails closed when the policy rejects', async () => {
    const { policy, questions } = slow();
    const { tracker, logged, clock } = setup({ policies: [policy] });
    const admission = pending(tracker.admit(hit()));
    questions[0]?.fail(new Error('database'));
    expect(refusal(await admission)).toMatchObject({ reason: 'policy_error', detail: expect.any(String) });
    expect(logged[0]).toMatchObject({ level: 'error', details: { policy: 'slow' } });
    expect(clock.pending).toBe(0);
  });

  it('counts waiting viewers against the caps, but one viewer only once', async () => {
    const { policy, questions } = slow();
    const { tracker } = setup({ policies: [policy], maxSessionsPerIp: 1 });
    const first = pending(tracker.admit(hit({ token: 'a' })));
    const shared = pending(tracker.admit(hit({ token: 'a' })));
    expect(refusal(now(tracker.admit(hit({ token: 'b' })))).reason).toBe('overload');
    expect(tracker.trackHttp(hit({ token: 'c' }))).toBeNull();
    const elsewhere = pending(tracker.admit(hit({ token: 'b', ip: '198.51.100.1' })));
    for (const { answer } of questions) answer({ allow: false, reason: 'no' });
    await Promise.all([first, shared, elsewhere]);
    const again = pending(tracker.admit(hit({ token: 'b' })));
    questions[2]?.answer(yes);
    expect((await again).admitted).toBe(true);
  });

  it('refuses a second connection that brings the same id, whichever is answered first', async () => {
    const { policy, questions, settled } = slow();
    const { tracker } = setup({ policies: [policy] });
    const [one, two] = [pending(tracker.admit(conn({ id: 'x' }))), pending(tracker.admit(conn({ id: 'x' })))];
    questions[1]?.answer(yes);
    expect((await two).admitted).toBe(true);
    questions[0]?.answer(yes);
    await expect(one).rejects.toMatchObject({ code: 'ERR_SESSION_EXISTS' });
    expect(settled.map((session) => session?.id)).toEqual(['x', undefined]);
    expect(live(tracker)).toHaveLength(1);
  });

  it('refuses waiting viewers when the tracker stops', async () => {
    const { policy, questions } = slow();
    const { tracker } = setup({ policies: [policy] });
    const admission = pending(tracker.admit(hit()));
    await tracker.stop();
    questions[0]?.answer(yes);
    expect(refusal(await admission).reason).toBe('shutdown');
  });

  it('lets in untracked when tracking was switched off meanwhile', async () => {
    const { policy, questions, settled } = slow();
    const { tracker } = setup({ policies: [policy] });
    const admission = pending(tracker.admit(hit()));
    tracker.updateConfig({ enabled: false, policies: [] });
    questions[0]?.answer(yes);
    expect(letIn(await admission).session).toBeUndefined();
    expect(settled).toEqual([undefined]);
  });

  it('accepts a policy timeout of any length', async () => {
    for (const policyTimeoutMs of [Infinity, 2 ** 40]) {
      const { policy, questions } = slow();
      const { tracker } = setup({ policies: [policy], policyTimeoutMs, clock: undefined as never });
      const admission = pending(tracker.admit(hit()));
      await settleAll();
      await pace(20);
      questions[0]?.answer(yes);
      expect((await admission).admitted).toBe(true);
      await tracker.stop({ timeoutMs: Infinity });
    }
  });
});
