import { concurrencyPolicy, type ConcurrencyOptions } from '@stream-sessions/policies';
import type { HttpHit, Policy, Verdict } from '@stream-sessions/core';
import { ask, connect, denialOf, hit, live, sessionOf, stopAll, world } from './support/make.js';

afterEach(stopAll);

/** Tokens are "user" or "user-device". */
const names: Policy = {
  name: 'names',
  stage: 'authorise',
  admit: ({ token }) => (token ? { allow: true, userId: token.split('-')[0] ?? '' } : { allow: true }),
};
const limited = (options: ConcurrencyOptions, ...others: Policy[]) =>
  world([names, concurrencyPolicy(options), ...others], { idleTimeoutMs: 60_000 });
const device = (n: number, over: Partial<HttpHit> = {}): Partial<HttpHit> => ({
  token: `bob-${n}`,
  userAgent: `device ${n}`,
  ...over,
});
const devices = (all: { userAgent?: string | undefined }[]) => all.map(({ userAgent }) => userAgent);

/** A policy that decides about who has this token when it is told what to answer, and about others at once. */
function undecidedAbout(undecided: string) {
  let resolve: (verdict: Verdict) => void = () => undefined;
  const slow: Policy = {
    name: 'slow',
    admit: ({ token }) => (token === undecided ? new Promise((given) => void (resolve = given)) : { allow: true }),
  };
  return { slow, answer: (verdict: Verdict) => resolve(verdict) };
}

/** Opens one session a second. */
async function openEach(made: ReturnType<typeof limited>, count: number, from = 1) {
  const answers = [];
  for (let n = from; n < from + count; n++) {
    answers.push(await ask(made.tracker, device(n)));
    made.clock.advance(1_000);
  }
  return answers;
}

describe('concurrencyPolicy that rejects', () => {
  it('admits the maximum per user, and says why not', async () => {
    const made = limited({ max: 2 });
    const answers = await openEach(made, 3);
    expect(answers.map(({ admitted }) => admitted)).toEqual([true, true, false]);
    expect(denialOf(answers[2]!)).toMatchObject({ reason: 'limit', kind: 'limit', detail: '2 at a time per user' });
    expect((await ask(made.tracker, { token: 'ann' })).admitted).toBe(true);
    expect((await ask(made.tracker, device(1))).admitted).toBe(true);
    expect(made.tracker.denials()).toEqual([]);
    made.tracker.kick(live(made.tracker)[0]!.id, { denyForMs: 0 });
    expect((await ask(made.tracker, device(3))).admitted).toBe(true);
  });

  it.each(['reject', 'replace-oldest', 'replace-newest'] as const)(
    'admits exactly three of 1,000 racing first requests of one user while another policy is still deciding (%s)',
    async (onExceed) => {
      const answers: ((verdict: Verdict) => void)[] = [];
      const slow: Policy = { name: 'slow', admit: () => new Promise((resolve) => void answers.push(resolve)) };
      const { tracker } = limited({ max: 3, onExceed }, slow);
      const asked = Array.from({ length: 1_000 }, async (_, n) => await tracker.admit(hit(device(n))));
      const waiting = Promise.all(asked);
      expect(answers).toHaveLength(onExceed === 'reject' ? 3 : 1_000);
      answers.forEach((answer) => answer({ allow: true }));
      // who was let in and replaced in the same instant holds a handle that is cut already
      const admitted = (await waiting).filter((answer) => answer.admitted && !answer.handle.signal.aborted);
      expect(admitted).toHaveLength(3);
      expect(live(tracker)).toHaveLength(3);
      const expected = {
        reject: ['device 0', 'device 1', 'device 2'],
        'replace-oldest': ['device 997', 'device 998', 'device 999'],
        'replace-newest': ['device 0', 'device 1', 'device 999'],
      };
      expect(devices(live(tracker)).sort()).toEqual(expected[onExceed]);
    },
  );

  it('admits exactly three of 1,000 that ask at once', async () => {
    const { tracker } = limited({ max: 3 });
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, n) => ask(tracker, device(n))));
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(3);
    expect(live(tracker)).toHaveLength(3);
  });

  it('gives a slot back if the session is not opened after all', async () => {
    let verdict: Verdict | undefined = { allow: false, reason: 'no' };
    const later: Policy = { name: 'later', admit: () => verdict ?? new Promise<Verdict>(() => undefined) };
    const { tracker } = limited({ max: 1 }, later);
    expect(denialOf(await ask(tracker, device(1))).reason).toBe('no');
    verdict = undefined;
    const pending = tracker.admit(hit(device(2)));
    if (!('cancel' in pending)) throw new Error('answered at once');
    verdict = { allow: true };
    expect(denialOf(await ask(tracker, device(3))).reason).toBe('limit');
  });

  it('gives the slot of a viewer that was quiet for graceMs to the next one, who then holds it', async () => {
    const made = limited({ max: 1 });
    await openEach(made, 1);
    made.clock.advance(9_000);
    expect((await ask(made.tracker, device(2))).admitted).toBe(false);
    made.clock.advance(1_001);
    expect((await ask(made.tracker, device(2))).admitted).toBe(true);
    expect(devices(live(made.tracker))).toEqual(['device 2']);
    expect(denialOf(await ask(made.tracker, device(1))).reason).toBe('limit');
    made.clock.advance(10_001);
    expect((await ask(made.tracker, device(1))).admitted).toBe(true);
  });

  it('does not treat a viewer with an open request or connection as quiet', async () => {
    const made = limited({ max: 1 });
    const admission = await made.tracker.admit(hit(device(1)));
    if (!admission.admitted) throw new Error('refused');
    made.clock.advance(30_000);
    expect((await ask(made.tracker, device(2))).admitted).toBe(false);
    admission.handle.end();
    made.clock.advance(10_001);
    expect((await ask(made.tracker, device(2))).admitted).toBe(true);
  });

  it('promises the slot of a quiet viewer to one newcomer only', async () => {
    const slow: Policy = { name: 'slow', admit: ({ token }) => (token === 'bob-1' ? { allow: true } : forever()) };
    const forever = () => new Promise<Verdict>(() => undefined);
    const made = limited({ max: 1 }, slow);
    await openEach(made, 1);
    made.clock.advance(10_001);
    expect('then' in made.tracker.admit(hit(device(2)))).toBe(true);
    expect((await ask(made.tracker, device(3))).admitted).toBe(false);
  });

  it('gives the slot of a quiet viewer away, also where others were refused while it was opening', async () => {
    const { slow, answer } = undecidedAbout('bob-1');
    const made = limited({ max: 1 }, slow);
    const first = ask(made.tracker, device(1));
    expect((await ask(made.tracker, device(2))).admitted).toBe(false);
    answer({ allow: true });
    expect((await first).admitted).toBe(true);
    made.clock.advance(10_001);
    expect((await ask(made.tracker, device(2))).admitted).toBe(true);
  });

  it('gives the slot of a quiet viewer to the next one if whom it was promised to did not come in', async () => {
    const { slow, answer } = undecidedAbout('bob-2');
    const made = limited({ max: 1 }, slow);
    await openEach(made, 1);
    made.clock.advance(10_001);
    const second = ask(made.tracker, device(2));
    expect((await ask(made.tracker, device(3))).admitted).toBe(false);
    answer({ allow: false, reason: 'no' });
    expect((await second).admitted).toBe(false);
    expect((await ask(made.tracker, device(3))).admitted).toBe(true);
  });

  it('gives the slot of a quiet viewer away, also where the clock is set back', async () => {
    const made = limited({ max: 1 });
    await openEach(made, 1);
    expect((await ask(made.tracker, device(2))).admitted).toBe(false);
    made.clock.jump(-3_600_000);
    made.clock.advance(12_000);
    expect((await ask(made.tracker, device(2))).admitted).toBe(true);
  });

  it('counts connections and requests of all transports together, and publishers not at all', async () => {
    const { tracker } = limited({ max: 2 });
    expect((await connect(tracker, { token: 'bob', kind: 'input' })).admitted).toBe(true);
    expect((await connect(tracker, { token: 'bob' })).admitted).toBe(true);
    expect((await ask(tracker, device(1))).admitted).toBe(true);
    expect((await connect(tracker, { token: 'bob', protocol: 'srt' })).admitted).toBe(false);
  });

  it.each<[ConcurrencyOptions['per'], Partial<HttpHit>, Partial<HttpHit>]>([
    ['token', { token: 'a' }, { token: 'b' }],
    ['ip', {}, { ip: '203.0.113.8' }],
    ['ip', { ip: '2001:db8::7' }, { ip: '2001:db8:1::7' }],
    ['stream', {}, { stream: 'cam2' }],
  ])('counts per %s', async (per, same, other) => {
    const { tracker } = limited({ per: per!, max: 1 });
    const open = async (n: number, over: Partial<HttpHit>) =>
      (
        await connect(tracker, {
          token: over.token,
          stream: over.stream ?? 'cam1',
          remoteAddress: over.ip ?? `203.0.113.${per === 'ip' ? 7 : n}`,
        })
      ).admitted;
    expect([await open(1, same), await open(2, same), await open(3, other)]).toEqual([true, false, true]);
  });

  it('does not limit viewers without a name', async () => {
    const { tracker } = limited({ max: 1 });
    for (const ip of ['203.0.113.1', '203.0.113.2']) expect((await ask(tracker, { ip })).admitted).toBe(true);
  });

  it('takes the number that an authoriser gives, zero included', async () => {
    const generous: Policy = {
      name: 'g',
      stage: 'authorise',
      admit: ({ token }) => ({ allow: true, maxSessions: token?.startsWith('bob') ? 3 : 0 }),
    };
    const { tracker } = limited({ max: 1 }, generous);
    const answers = [];
    for (const n of [1, 2, 3, 4]) answers.push((await ask(tracker, device(n))).admitted);
    expect(answers).toEqual([true, true, true, false]);
    expect((await ask(tracker, { token: 'ann' })).admitted).toBe(false);
  });

  it('cuts sessions beyond a lowered limit when policies decide again', async () => {
    for (const [onExceed, left] of [
      ['reject', ['device 1']],
      ['replace-oldest', ['device 3']],
    ] as const) {
      let maxSessions = 3;
      const given: Policy = { name: 'g', stage: 'authorise', admit: () => ({ allow: true, maxSessions }) };
      const made = limited({ max: 1, onExceed }, given);
      await openEach(made, 3);
      expect(live(made.tracker)).toHaveLength(3);
      expect(await made.tracker.reauthorize({ user: 'bob' })).toMatchObject({ kept: 3 });
      maxSessions = 1;
      await made.tracker.reauthorize({ user: 'bob' });
      expect(devices(live(made.tracker))).toEqual(left);
    }
  });
});

describe('concurrencyPolicy per token', () => {
  const bearer = (token: string) => ({ credentials: { scheme: 'bearer' as const, token } });
  const good: Policy = {
    name: 'good',
    stage: 'authorise',
    admit: ({ token, credentials }) =>
      token === 'good' || (credentials?.scheme === 'bearer' && credentials.token === 'good')
        ? { allow: true }
        : { allow: false, reason: 'unauthorized' },
  };

  it.each<[string, (n: number) => Partial<HttpHit>]>([
    ['a bearer, whatever else stands in the URL', (n) => ({ ...bearer('good'), token: `name ${n}` })],
    ['a token, whatever bearer comes with it', (n) => ({ ...bearer(`noise ${n}`), token: 'good' })],
    ['a token here and a bearer there', (n) => (n % 2 === 0 ? bearer('good') : { token: 'good' })],
    ['both at once', () => ({ ...bearer('good'), token: 'good' })],
  ])('counts one credential as one holder: %s', async (_, given) => {
    for (const onExceed of ['reject', 'replace-oldest', 'replace-newest'] as const) {
      const made = world([good, concurrencyPolicy({ per: 'token', max: 2, onExceed })], { idleTimeoutMs: 60_000 });
      for (let n = 0; n < 6; n++) {
        await ask(made.tracker, { ...given(n), ip: `198.51.100.${n}`, userAgent: `device ${n}` });
        made.clock.advance(1_000);
      }
      const playing = { reject: [0, 1], 'replace-oldest': [4, 5], 'replace-newest': [0, 5] }[onExceed];
      expect(devices(live(made.tracker))).toEqual(playing.map((n) => `device ${n}`));
    }
  });

  it('reserves both slots or none: an unused slot is free for the next viewer', async () => {
    const made = world([good, concurrencyPolicy({ per: 'token', max: 1 })], { idleTimeoutMs: 60_000 });
    sessionOf(await ask(made.tracker, { ...bearer('good'), token: 'a', userAgent: '1' }));
    // refused for the bearer, after its token had a place
    denialOf(await ask(made.tracker, { ...bearer('good'), token: 'b', userAgent: '2' }));
    made.tracker.kick(live(made.tracker)[0]!.id, { denyForMs: 0 });
    sessionOf(await ask(made.tracker, { ...bearer('good'), token: 'b', userAgent: '2' }));
  });
});

describe('concurrencyPolicy that replaces', () => {
  it('ends the oldest, keeps it out, and two devices do not take turns', async () => {
    const made = limited({ max: 2, onExceed: 'replace-oldest' });
    const answers = await openEach(made, 3);
    expect(made.tracker.get(sessionOf(answers[0]!).id)?.closeReason).toBe('replaced');
    for (let i = 0; i < 5; i++) {
      expect(denialOf(await ask(made.tracker, device(1))).reason).toBe('replaced');
      for (const n of [2, 3]) expect((await ask(made.tracker, device(n))).admitted).toBe(true);
      made.clock.advance(2_000);
    }
    expect(devices(live(made.tracker))).toEqual(['device 2', 'device 3']);
  });

  it('ends the newest', async () => {
    const made = limited({ max: 2, onExceed: 'replace-newest' });
    await openEach(made, 3);
    expect(devices(live(made.tracker))).toEqual(['device 1', 'device 3']);
  });

  it('ends a quiet session rather than a playing one, and the quiet one may come back', async () => {
    const made = limited({ max: 2, onExceed: 'replace-oldest' });
    await openEach(made, 2);
    made.clock.advance(10_000);
    await ask(made.tracker, device(1));
    await ask(made.tracker, device(3));
    expect(devices(live(made.tracker))).toEqual(['device 1', 'device 3']);
    expect((await ask(made.tracker, device(2))).admitted).toBe(true);
    expect(devices(live(made.tracker)).sort()).toEqual(['device 2', 'device 3']);
  });

  it('ends nobody if the limit is 0', async () => {
    const { tracker } = limited({ max: 0, onExceed: 'replace-oldest' });
    expect((await ask(tracker, device(1))).admitted).toBe(false);
  });
});

describe('concurrencyPolicy', () => {
  it('keeps nothing of viewers that have left', async () => {
    for (const onExceed of ['reject', 'replace-oldest'] as const) {
      const policy = concurrencyPolicy({ max: 2, onExceed });
      const { tracker } = world([names, policy]);
      for (let n = 0; n < 200; n++) await ask(tracker, { token: `u${n % 50}-${n}` });
      tracker.kickAll({ protocol: 'hls' });
      const kept = Object.values(policy).filter((value) => value instanceof Map) as Map<unknown, unknown>[];
      expect(kept.length).toBeGreaterThan(2);
      expect(kept.map(({ size }) => size)).toEqual(kept.map(() => 0));
    }
  });

  it('follows a session that becomes another user’s', async () => {
    const { tracker } = world([names, concurrencyPolicy({ max: 1 })], { identity: { viewer: ['stream', 'ip'] } });
    await ask(tracker, { token: 'bob' });
    await ask(tracker, { token: 'ann' });
    expect(live(tracker)).toMatchObject([{ userId: 'ann' }]);
    expect((await connect(tracker, { token: 'ann' })).admitted).toBe(false);
    expect((await connect(tracker, { token: 'bob' })).admitted).toBe(true);
  });

  it.each([
    {},
    { max: -1 },
    { max: NaN },
    { max: 1, per: 'house' },
    { max: 1, onExceed: 'kick' },
    { max: 1, grace: 1 },
    { max: 1, shared: null },
  ])('refuses %j', (options) => {
    expect(() => concurrencyPolicy(options as ConcurrencyOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_OPTION' }),
    );
  });
});

it('a device whose first request on a new stream is answered late replaces one other device, not two', async () => {
  const made = limited({ max: 2, onExceed: 'replace-oldest' });
  for (const n of [1, 2, 3]) {
    const answer = await made.tracker.admit(hit(device(n, { stream: `cam${n}`, tentative: true })));
    if (answer.admitted) answer.handle.served();
    made.clock.advance(1_000);
  }
  expect(devices(live(made.tracker))).toEqual(['device 2', 'device 3']);
});
