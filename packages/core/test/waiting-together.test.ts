import type { Candidate, HttpHit, PlaySession, Policy, TrackerOptions, Verdict } from '../src/index.js';
import {
  deferred,
  hit,
  letIn,
  live,
  mayRequest,
  must,
  pending,
  refusal,
  request,
  settleAll,
  setup,
} from './support/make.js';

const yes: Verdict = { allow: true };

/** A tracker whose policy answers when the test says so, question by question. */
function slow(options: TrackerOptions = {}) {
  const questions: { candidate: Candidate; answer: (verdict: Verdict) => void }[] = [];
  const settled: (PlaySession | undefined)[] = [];
  const policy: Policy = {
    name: 'slow',
    admit: (candidate) => {
      const { promise, resolve } = deferred<Verdict>();
      questions.push({ candidate, answer: resolve });
      return promise;
    },
    settled: (_, session) => void settled.push(session),
  };
  const all = setup({ policies: [policy], ...options });
  const ask = (over: Partial<HttpHit>) => pending(all.tracker.admit(hit(over)));
  const answerAll = (verdict: Verdict = yes) => questions.forEach(({ answer }) => answer(verdict));
  return { ...all, questions, settled, ask, answerAll };
}

describe('the group that waits for one answer', () => {
  it('is one viewer: fifty players behind one address are fifty questions and fifty sessions', async () => {
    const { tracker, questions, ask } = slow();
    const players = Array.from({ length: 50 }, (_, i) => ask({ userAgent: `player ${i}` }));
    expect(questions).toHaveLength(50);
    for (const { candidate, answer } of questions) {
      const good = Number(candidate.userAgent?.slice(7)) % 2 === 0;
      answer(good ? yes : { allow: false, reason: 'unauthorized' });
    }
    const admitted = (await Promise.all(players)).map((admission) => admission.admitted);
    expect(admitted).toEqual(players.map((_, i) => i % 2 === 0));
    expect(
      live(tracker)
        .map(({ userAgent }) => userAgent)
        .sort(),
    ).toEqual(Array.from({ length: 25 }, (_, i) => `player ${2 * i}`).sort());
  });

  it.each<[string, Partial<HttpHit>, Partial<HttpHit>, TrackerOptions['identity']?]>([
    ['player', { userAgent: 'a' }, { userAgent: 'b' }],
    ['player where there was none', { userAgent: undefined }, { userAgent: 'b' }],
    ['sid', { sid: 'a' }, { sid: 'b' }],
    ['playback session', { playerSessionId: 'a' }, { playerSessionId: 'b' }],
    ['kind of name', { sid: 'a' }, { playerSessionId: 'a' }],
    ['token', { token: 'a' }, { token: 'b' }],
    ['bearer', { credentials: { scheme: 'bearer', token: 'a' } }, { credentials: { scheme: 'bearer', token: 'b' } }],
    ['protocol', { protocol: 'hls' }, { protocol: 'dash' }],
    ['stream', { stream: 'a' }, { stream: 'b' }],
    ['address', { ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
    ['kind', { kind: 'viewer' }, { kind: 'input' }],
    ['address that its recipe leaves out', { ip: '10.0.0.1' }, { ip: '10.0.0.2' }, { viewer: ['stream', 'token'] }],
    ['player, by its recipe', { token: 't', userAgent: 'a' }, { token: 't' }, { viewer: ['userAgent'] }],
  ])('does not include another %s', (_, one, other, identity = {}) => {
    const { questions, ask } = slow({ identity });
    void ask(one);
    void ask(other);
    expect(questions).toHaveLength(2);
    void ask(one);
    expect(questions).toHaveLength(2);
  });

  it('includes all requests that the recipe does not tell apart', async () => {
    const { tracker, questions, ask, answerAll } = slow({ identity: { viewer: ['stream', 'ip'] } });
    const all = [ask({ sid: 'a' }), ask({ sid: 'b', userAgent: 'x' }), ask({})];
    expect(questions).toHaveLength(1);
    answerAll();
    expect(new Set((await Promise.all(all)).map((each) => letIn(each).session?.id)).size).toBe(1);
    expect(tracker.stats().openedTotal).toBe(1);
  });

  it('may be large, with the longest possible names, and takes one place', async () => {
    const { tracker, ask, questions, answerAll } = slow({ maxSessionsPerIp: 1 });
    const token = 't'.repeat(4_096);
    const all = Array.from({ length: 100 }, () => ask({ token }));
    answerAll();
    await Promise.all(all);
    expect([questions.length, tracker.stats().overloadTotal, live(tracker).length]).toEqual([1, 0, 1]);
  });
});

describe('a denial made during the wait', () => {
  const [x, y] = [
    { token: 'a', userAgent: 'x' },
    { token: 'a', userAgent: 'y' },
  ];

  it.each<[string, Partial<HttpHit>, Partial<HttpHit>]>([
    ['the first', y, x],
    ['another', x, y],
  ])('keeps out the waiting viewers it names, and nobody else: %s', async (which, first, second) => {
    const { tracker, questions, settled, ask, answerAll } = slow();
    const [one, two] = [ask(first), ask(second)];
    expect(questions).toHaveLength(1);
    tracker.deny({ userAgent: 'y' });
    answerAll();
    const [denied, spared] = which === 'the first' ? [await one, await two] : [await two, await one];
    expect(refusal(denied)).toMatchObject({ by: 'deny', target: { userAgent: 'y' } });
    expect(letIn(spared).session).toMatchObject({ userAgent: 'x' });
    expect(live(tracker)).toMatchObject([{ userAgent: 'x' }]);
    expect(settled).toMatchObject([{ userAgent: 'x' }]);
    expect(tracker.stats()).toMatchObject({ deniedTotal: 1, openedTotal: 1 });
  });

  it('applies to one address of their network', async () => {
    const { tracker, ask, answerAll } = slow();
    const all = ['2001:db8::1', '2001:db8::2', '2001:db8::3'].map((ip) => ask({ ip, token: 'a' }));
    tracker.deny({ ip: '2001:db8::2/128' });
    answerAll();
    expect((await Promise.all(all)).map(({ admitted }) => admitted)).toEqual([true, false, true]);
  });

  it('applies to a user whom only the answer names', async () => {
    const { tracker, ask, answerAll } = slow();
    const all = [x, y].map(ask);
    tracker.deny({ user: 'bob', userAgent: 'y' });
    answerAll({ allow: true, userId: 'bob' });
    expect((await Promise.all(all)).map(({ admitted }) => admitted)).toEqual([true, false]);
  });

  it('applies if a neighbour with the same player is kicked', async () => {
    const { tracker, ask, answerAll } = slow();
    const neighbour = must(tracker.trackHttp(hit({ userAgent: 'y', token: 'neighbour' })));
    const all = [x, y].map(ask);
    tracker.kick(neighbour.id);
    answerAll();
    const [one, two] = await Promise.all(all);
    expect(letIn(must(one)).session).toMatchObject({ userAgent: 'x' });
    expect(refusal(must(two)).by).toBe('kick');
  });

  it('does not apply to viewers whose session was recorded before the kick', async () => {
    const { tracker, ask, answerAll } = slow();
    const neighbour = must(tracker.trackHttp(hit({ userAgent: 'y', token: 'neighbour' })));
    const all = [x, y].map(ask);
    tracker.trackHttp(hit(x));
    tracker.kick(neighbour.id);
    answerAll();
    expect((await Promise.all(all)).map(({ admitted }) => admitted)).toEqual([true, true]);
  });

  it('applies to viewers who are admitted untracked', async () => {
    const { tracker, ask, answerAll } = slow();
    const all = [x, y].map(ask);
    tracker.updateConfig({ enabled: false, policies: [] });
    tracker.deny({ userAgent: 'y' });
    answerAll();
    const [one, two] = await Promise.all(all);
    expect([letIn(must(one)).session, refusal(must(two)).by]).toEqual([undefined, 'deny']);
  });

  it('of all of them opens nothing, releases the reservation once, and frees the place', async () => {
    const { tracker, questions, settled, ask, answerAll } = slow({ maxSessionsPerIp: 1 });
    const all = [ask(x), ask(y), ask(x)];
    all[2]?.cancel();
    tracker.deny({ token: 'a' }, { forMs: 1_000 });
    answerAll();
    expect((await Promise.all(all)).map((each) => refusal(each).by)).toEqual(['deny', 'deny', 'cap']);
    expect(settled).toEqual([undefined]);
    expect(live(tracker)).toEqual([]);
    const other = ask({ token: 'b' });
    expect(questions).toHaveLength(2);
    answerAll();
    letIn(await other);
  });

  it('between two of the waiting viewers applies to the second', async () => {
    const { tracker, ask, answerAll } = slow();
    tracker.on('opened', () => void tracker.deny({ userAgent: 'y' }));
    const all = [x, y].map(ask);
    answerAll();
    expect((await Promise.all(all)).map(({ admitted }) => admitted)).toEqual([true, false]);
  });
});

describe('a viewer who leaves while others wait on', () => {
  it('leaves the answer to them, and the session shows what the first of them sent', async () => {
    const { tracker, questions, settled, ask, answerAll } = slow();
    const gone = ask({ token: 'a', userAgent: 'gone', query: 'gone=1' });
    const stays = ask({ token: 'a', userAgent: 'stays', query: 'stays=1' });
    gone.cancel();
    answerAll();
    expect(refusal(await gone).reason).toBe('client_gone');
    expect(letIn(await stays).session).toMatchObject({ userAgent: 'stays', query: 'stays=1' });
    expect([questions.length, settled.length]).toEqual([1, 1]);
    expect(mayRequest(tracker, { token: 'a' })).toBe(true);
  });

  it('after the answer, but before it is delivered, opens nothing', async () => {
    const { tracker, settled, ask, questions } = slow();
    const one = ask({ token: 'a' });
    questions[0]?.answer(yes);
    one.cancel();
    expect(refusal(await one).reason).toBe('client_gone');
    await settleAll();
    expect([live(tracker), settled]).toEqual([[], [undefined]]);
    const again = ask({ token: 'a' });
    questions[1]?.answer(yes);
    letIn(await again);
    request(tracker, { token: 'a' });
  });
});
