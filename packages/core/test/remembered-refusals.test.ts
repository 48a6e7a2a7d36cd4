import type { HttpHit, Policy } from '../src/index.js';
import { hit, mayRequest, now, refusal, setup } from './support/make.js';

const FOREVER = { forMs: 1e9 };

describe("a policy's refusal", () => {
  const refusing = (over: object, stage: Policy['stage'] = 'custom'): Policy & { asked: number } => {
    const policy = {
      name: 'no',
      stage,
      asked: 0,
      admit: () => (policy.asked++, { allow: false as const, reason: 'unauthorized', ...over }),
    };
    return policy;
  };

  it('is remembered as long as it says; an authoriser’s for deniedRetentionMs, others not at all', () => {
    for (const [over, stage, ms] of [
      [{ denyForMs: 5_000 }, 'custom', 5_000],
      [{}, 'authorise', 600_000],
      [{ denyForMs: 2_000 }, 'authorise', 2_000],
    ] as const) {
      const policy = refusing(over, stage);
      const { tracker, clock } = setup({ policies: [policy] });
      const first = refusal(now(tracker.admit(hit())));
      expect(first).toMatchObject({ by: 'policy', reason: 'unauthorized', until: clock.now() + ms });
      clock.advance(ms - 1);
      expect([mayRequest(tracker), policy.asked]).toEqual([false, 1]);
      clock.advance(1);
      expect([mayRequest(tracker), policy.asked]).toEqual([false, 2]);
    }
    const policy = refusing({});
    const { tracker } = setup({ policies: [policy] });
    expect([mayRequest(tracker), mayRequest(tracker), policy.asked]).toEqual([false, false, 2]);
    expect(tracker.denials()).toEqual([]);
  });

  it.each<[string, Partial<HttpHit>]>([
    ['token', { token: 'b' }],
    ['sid', { sid: 's' }],
    ['signature in the query', { query: 'sig=good' }],
    ['bearer', { credentials: { scheme: 'bearer', token: 'good' } }],
    ['password', { credentials: { scheme: 'basic', user: 'bob', verify: () => true } }],
  ])('does not apply to a viewer with another %s', (_, over) => {
    const policy = refusing({}, 'authorise');
    const { tracker } = setup({ policies: [policy] });
    mayRequest(tracker);
    mayRequest(tracker, over);
    expect(policy.asked).toBe(2);
  });

  it('of a password is never remembered: the next one may be right', () => {
    const policy = refusing({}, 'authorise');
    const { tracker } = setup({ policies: [policy] });
    const credentials = { scheme: 'basic' as const, user: 'bob', verify: () => false };
    for (let i = 0; i < 3; i++) mayRequest(tracker, { credentials });
    expect(policy.asked).toBe(3);
  });

  it('fills a separate table: an operator’s denials stay', () => {
    const { tracker } = setup({ maxDenials: 5, policies: [refusing({}, 'authorise')] });
    const { id } = tracker.deny({ ip: '198.51.100.1' }, FOREVER);
    for (let i = 0; i < 50; i++) mayRequest(tracker, { token: `t${i}` });
    expect(tracker.denials()).toHaveLength(6);
    expect(tracker.denials()[0]?.id).toBe(id);
  });

  it.each([NaN, -5, 'soon' as unknown as number, Infinity])('still refuses with denyForMs %p', (denyForMs) => {
    const { tracker } = setup({ policies: [refusing({ denyForMs })] });
    tracker.addSink({ name: 's', write: () => undefined });
    expect(mayRequest(tracker)).toBe(false);
    expect(mayRequest(tracker)).toBe(false);
  });
});
