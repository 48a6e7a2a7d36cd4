import type { Policy, Verdict } from '../src/index.js';
import { connect, hit, mayRequest, must, now, refusal, request, settleAll, setup } from './support/make.js';

const yes: Verdict = { allow: true };

describe('explain', () => {
  it('says which fields matched, who named it, what each policy said and when, and what ends it', () => {
    const { tracker, clock } = setup({ maxLifetimeMs: 3_600_000, policies: [{ name: 'p', admit: () => yes }] });
    const { id, tokenFingerprint } = must(request(tracker, { token: 'a' }).session);
    const policies = [{ policy: 'p', allowed: true, at: clock.now() }];
    const matched = { stream: 'cam1', ip: '203.0.113.7', token: tokenFingerprint };
    expect(tracker.explain(id)).toEqual({
      id,
      kind: 'viewer',
      namedBy: 'token',
      recipe: ['stream', 'ip', 'token'],
      matched,
      policies,
      idleAt: clock.now() + 30_000,
      maxLifetimeAt: clock.now() + 3_600_000,
    });
    tracker.kick(id, { reason: 'spam' });
    expect(tracker.explain(id)).toEqual({
      ...{ id, kind: 'viewer', namedBy: 'token', recipe: ['stream', 'ip', 'token'], matched, policies },
      ...{ closeReason: 'kicked', closeDetail: 'spam', closedAt: clock.now() },
    });
    expect(tracker.explain('nobody')).toBeUndefined();
    expect(JSON.stringify(tracker.explain(id))).not.toContain('"a"');
  });

  it.each<[string, object, object]>([
    ['a CMCD sid', { sid: 's1' }, { token: 's1' }],
    ['a user agent', {}, { token: 'player/1.0' }],
    ['an IPv6 network', { ip: '2001:db8::7' }, { ip: '2001:db8::/64' }],
  ])('shows %s that matched', (_, over, matched) => {
    const { tracker } = setup();
    expect(tracker.explain(must(request(tracker, over).session).id)?.matched).toMatchObject(matched);
  });

  it('has no fields for a connection, which is a session by itself', () => {
    const { tracker } = setup();
    const explanation = tracker.explain(must(connect(tracker, { token: 'a' }).session).id);
    expect(explanation).not.toHaveProperty('matched');
    expect(explanation).not.toHaveProperty('recipe');
  });

  it('says which policy is being asked again, and when the next review is', async () => {
    let answer: (verdict: Verdict) => void = () => undefined;
    const slow: Policy = {
      name: 'slow',
      admit: ({ again }) => (again ? new Promise((resolve) => (answer = resolve)) : yes),
      deadline: ({ openedAt }) => ({ at: openedAt + 60_000 }),
    };
    const { tracker } = setup({ policies: [{ name: 'quick', admit: () => yes }, slow] });
    const { id, openedAt } = must(connect(tracker).session);
    expect(tracker.explain(id)).toMatchObject({ reviewAt: openedAt + 60_000 });
    const result = tracker.invalidate();
    expect(tracker.explain(id)?.waitingFor).toBe('slow');
    answer({ allow: false, reason: 'unauthorized', detail: 'since today' });
    await result;
    await settleAll();
    const explanation = tracker.explain(id);
    expect(explanation).toMatchObject({
      closeReason: 'unauthorized',
      policies: [
        { policy: 'quick', allowed: true },
        { policy: 'slow', allowed: false, reason: 'unauthorized', detail: 'since today' },
      ],
    });
    expect(explanation).not.toHaveProperty('waitingFor');
  });

  it('explains a denial', () => {
    const policies: Policy[] = [
      { name: 'first', admit: () => yes },
      {
        name: 'second',
        stage: 'custom',
        admit: () => ({ allow: false, reason: 'no', detail: 'why', denyForMs: 5_000 }),
      },
    ];
    const { tracker, clock } = setup({ policies });
    const denial = refusal(now(tracker.admit(hit({ token: 'a' }))));
    mayRequest(tracker, { token: 'a' });
    expect(tracker.explain(denial.id)).toEqual({
      id: denial.id,
      policies: [
        { policy: 'first', allowed: true, at: clock.now() },
        { policy: 'second', allowed: false, reason: 'no', detail: 'why', at: clock.now() },
      ],
      denial: { ...denial, hits: 2 },
    });
    const operators = tracker.deny({ stream: 'cam9' });
    expect(tracker.explain(operators.id)).toEqual({ id: operators.id, policies: [], denial: operators });
    clock.advance(5_000);
    expect(tracker.explain(denial.id)).toBeUndefined();
  });
});

describe('a session of several protocols', () => {
  it('says how long each was used; the sum is its watch time', () => {
    const { tracker, clock } = setup();
    const at = (protocol: string, ms: number) => {
      const session = request(tracker, { token: 'a', protocol }).session;
      clock.advance(ms);
      return session;
    };
    expect(at('hls', 3_000)).not.toHaveProperty('durationMsByProtocol', expect.anything());
    at('dash', 2_000);
    at('hls', 1_000);
    const { id } = must(at('rtmp', 4_000));
    const session = must(tracker.get(id));
    expect(session.durationMsByProtocol).toEqual({ hls: 4_000, dash: 2_000, rtmp: 4_000 });
    expect(session.durationMs).toBe(10_000);
    tracker.kick(id);
    expect(tracker.get(id)?.durationMsByProtocol).toEqual({ hls: 4_000, dash: 2_000, rtmp: 4_000 });
  });
});
