import type { Candidate, Denial, Policy, Refusal, Verdict } from '../src/index.js';
import { denialToWire } from '../src/spi.js';
import { conn, hit, letIn, now, pending, refusal, setup } from './support/make.js';

/** Tokens are "user-device"; whoever has none is not vouched for. */
const names: Policy = {
  name: 'names',
  stage: 'authorise',
  admit: ({ token }) => (token ? { allow: true, userId: token.split('-')[0] ?? '' } : { allow: true }),
};
/** Refuses every device whose User-Agent is "new", for a reason that the test gives. */
const refuses = (no: (candidate: Candidate) => Partial<Refusal>): Policy => ({
  name: 'limit',
  stage: 'concurrency',
  admit: (candidate) =>
    candidate.userAgent === 'new'
      ? { allow: false, reason: 'limit', kind: 'limit', denyForMs: 0, ...no(candidate) }
      : { allow: true },
});
const ids: string[] = [];
/** Each of these devices plays, and every new one is told that all of them are in the way. */
function playing(tokens: (string | undefined)[], policies: Policy[] = [names, refuses(() => ({ conflicts: ids }))]) {
  const made = setup({ policies, geo: { country: () => 'DE' } });
  const open = tokens.map((token, n) => hit({ ...(token === undefined ? {} : { token }), userAgent: `player ${n}` }));
  ids.splice(0, Infinity, ...open.map((one) => letIn(now(made.tracker.admit(one))).session?.id ?? ''));
  const refused = (over: object): Denial => refusal(now(made.tracker.admit(hit({ userAgent: 'new', ...over }))));
  return { ...made, refused };
}

describe('the sessions that conflict with a refused viewer', () => {
  it('are named to a user for whom a policy has vouched, if they are that user’s own', () => {
    const { refused, clock } = playing(['ann-1', 'bob-1', 'ann-2', undefined]);
    const { conflicts } = refused({ token: 'ann-3' });
    const row = { protocol: 'hls', since: clock.now(), country: 'DE' };
    expect(conflicts).toEqual([
      { id: ids[0], userAgent: 'player 0', ...row },
      { id: ids[2], userAgent: 'player 2', ...row },
    ]);
  });

  it('are not named to a stranger, nor to one who claims to be another user', () => {
    const { refused, tracker } = playing(['ann-1', undefined]);
    expect(refused({})).not.toHaveProperty('conflicts');
    const connection = conn({ userAgent: 'new', userId: 'ann' });
    expect(refusal(now(tracker.admit(connection)))).not.toHaveProperty('conflicts');
  });

  it('leave out sessions of a user named only by the transport', () => {
    const { tracker, refused } = playing([]);
    ids.push(letIn(now(tracker.admit(conn({ userId: 'ann' })))).session?.id ?? '');
    expect(tracker.get(ids[0] ?? '')).toMatchObject({ userId: 'ann' });
    expect(refused({ token: 'ann-3' })).not.toHaveProperty('conflicts');
  });

  it('are not named if the policy that vouches is asked later', () => {
    const later: Policy = { ...names, stage: 'resource' };
    const { refused } = playing(['ann-1'], [refuses(() => ({ conflicts: ids })), later]);
    expect(refused({ token: 'ann-3' })).not.toHaveProperty('conflicts');
  });

  it('are at most 32, each of them once, with short names', () => {
    const { refused, tracker } = playing(Array.from({ length: 40 }, (_, n) => `ann-${n}`));
    expect(refused({ token: 'ann-x' }).conflicts).toHaveLength(32);
    ids.splice(0, Infinity, ...ids.slice(0, 2), ids[0] as string, 'nobody');
    expect(refused({ token: 'ann-x' }).conflicts).toHaveLength(2);
    const long = hit({ token: 'ann-long', userAgent: 'p'.repeat(2000) });
    ids.splice(0, Infinity, letIn(now(tracker.admit(long))).session?.id ?? '');
    expect(refused({ token: 'ann-x' }).conflicts?.[0]?.userAgent).toBe('p'.repeat(256));
  });

  it('are named once, and not again under the remembered denial', () => {
    const no = refuses(() => ({ conflicts: ids, remaining: { seconds: 0 }, denyForMs: 60_000 }));
    const { refused, tracker } = playing(['ann-1'], [names, no]);
    const told: Denial[] = [];
    tracker.on('denied', ({ denial }) => told.push(denial));
    const first = refused({ token: 'ann-3' });
    expect(first).toMatchObject({ remaining: { seconds: 0 }, conflicts: [{ id: ids[0] }] });
    expect(told).toEqual([first]);
    const again = refused({ token: 'ann-3' });
    expect(again.id).toBe(first.id);
    for (const denial of [again, ...tracker.denials(), tracker.explain(first.id)?.denial]) {
      expect(denial).not.toHaveProperty('conflicts');
      expect(denial).not.toHaveProperty('remaining');
    }
  });

  it('are named to the viewer the policies were asked about, and not to one waiting for the same answer', async () => {
    let answer: (verdict: Verdict) => void = () => undefined;
    const slow: Policy = {
      name: 'slow',
      stage: 'authorise',
      admit: ({ userAgent }) =>
        userAgent === 'new' ? new Promise((resolve) => (answer = resolve)) : { allow: true, userId: 'ann' },
    };
    const { tracker } = playing(['x'], [slow, refuses(() => ({ conflicts: ids, remaining: { bytes: 1 } }))]);
    const [first, second] = ['sig=good', 'sig=bad'].map((query) => pending(tracker.admit(hit({ userAgent: 'new', query })))); // prettier-ignore
    answer({ allow: true, userId: 'ann' });
    const [told, stranger] = [refusal(await first!), refusal(await second!)];
    expect(told).toMatchObject({ conflicts: [{ id: ids[0] }], remaining: { bytes: 1 } });
    expect(stranger).toMatchObject({ reason: 'limit' });
    expect(stranger).not.toHaveProperty('conflicts');
    expect(stranger).not.toHaveProperty('remaining');
  });
});

describe('the remaining quota in a refusal', () => {
  const remains = (remaining: unknown) =>
    playing([], [refuses(() => ({ remaining }) as Partial<Refusal>)]).refused({}).remaining;

  it('is what the policy says', () => {
    expect(remains({ seconds: 0, bytes: 120_000 })).toEqual({ seconds: 0, bytes: 120_000 });
  });

  it.each([
    ['no numbers', { a: '1', b: NaN, c: Infinity, d: 5n }, undefined],
    ['names that are too long', { ['x'.repeat(65)]: 1, y: 2 }, { y: 2 }],
    ['no record', 'much', undefined],
    ['null', null, undefined],
  ])('leaves out %s, and the viewer is still refused', (_what, remaining, kept) => {
    expect(remains(remaining)).toEqual(kept);
  });

  it('is at most sixteen numbers, and a copy', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`n${n}`, n]));
    const kept = remains(many);
    expect(Object.keys(kept ?? {})).toHaveLength(16);
    expect(Object.isFrozen(kept) && kept !== many).toBe(true);
  });

  it('is in the wire form, together with the conflicting sessions', () => {
    const { refused } = playing(['ann-1'], [names, refuses(() => ({ conflicts: ids, remaining: { seconds: 3 } }))]);
    expect(denialToWire(refused({ token: 'ann-3' }))).toMatchObject({
      remaining: { seconds: 3 },
      conflicts: [
        { id: ids[0], proto: 'hls', since: '2026-01-01T00:00:00.000Z', country: 'DE', user_agent: 'player 0' },
      ],
    });
  });
});
