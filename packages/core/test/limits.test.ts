import type { Limits, PlaySession, Policy, Verdict } from '../src/index.js';
import { connect, setup, settleAll } from './support/make.js';

/** A policy that says yes with limits that may change, and reviews every second. */
class Limiting implements Policy {
  private at = 0;

  constructor(
    readonly name: string,
    public limits: Limits | undefined,
  ) {}

  admit(): Verdict {
    return { allow: true, ...(this.limits && { limits: this.limits }) };
  }

  deadline({ openedAt }: PlaySession) {
    return { at: (this.at ||= openedAt + 1_000) };
  }

  review(): Verdict {
    this.at += 1_000;
    return this.admit();
  }
}

it('limits are kept for each policy: the tightest hold, and one review wipes no other policy’s', () => {
  const a = new Limiting('a', { downMbits: 8 });
  const b = new Limiting('b', { downMbits: 4, upMbits: 1 });
  const { tracker, clock } = setup({ policies: [a, b], idleTimeoutMs: 60_000 });
  const handle = connect(tracker);
  expect(handle.limits).toEqual({ downMbits: 4, upMbits: 1 });
  const heard: Limits[] = [];
  handle.onLimits((limits) => heard.push(limits));
  const after = (): Limits => {
    clock.advance(2_000);
    return handle.limits;
  };
  a.limits = { downMbits: 2 };
  expect(after()).toEqual({ downMbits: 2, upMbits: 1 });
  b.limits = {};
  expect(after()).toEqual({ downMbits: 2 });
  a.limits = undefined;
  expect(after()).toEqual({ downMbits: 2 });
  a.limits = {};
  expect(after()).toEqual({});
  expect(heard).toEqual([{ downMbits: 2, upMbits: 1 }, { downMbits: 2 }, {}]);
});

it('an onLimits callback that throws is logged, and affects no other', async () => {
  let limits: Limits = { downMbits: 8 };
  const policy: Policy = { name: 'p', admit: () => ({ allow: true, limits }) };
  const { tracker, logged } = setup({ policies: [policy] });
  const handles = [connect(tracker), connect(tracker)];
  const heard: Limits[] = [];
  handles[0]?.onLimits(() => {
    throw new Error('no');
  });
  handles[1]?.onLimits((now) => heard.push(now));
  limits = { downMbits: 1 };
  await tracker.invalidate();
  await settleAll();
  expect(heard).toEqual([{ downMbits: 1 }]);
  expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1);
});

it('a policy of the stage "resource" is asked once no other policy refuses', () => {
  const asked: string[] = [];
  const policy = (name: string, stage: Policy['stage'], allow: boolean): Policy => ({
    name,
    ...(stage && { stage }),
    admit: () => {
      asked.push(name);
      return allow ? { allow } : { allow, reason: 'limit' };
    },
  });
  const { tracker } = setup({ policies: [policy('source', 'resource', true), policy('custom', undefined, false)] });
  expect(() => connect(tracker)).toThrow('refused');
  expect(asked).toEqual(['custom']);
});

it('a deadline in bytes counts what is received, too', () => {
  const quota: Policy = {
    name: 'quota',
    deadline: () => ({ bytes: 5_000 }),
    review: () => ({ allow: false, reason: 'quota_data' }),
  };
  const { tracker, clock } = setup({ policies: [quota] });
  const publisher = connect(tracker, { kind: 'input' });
  publisher.addReceived(4_000);
  publisher.touch(500);
  clock.advance(1_000);
  expect(tracker.stats().active).toBe(1);
  publisher.addReceived(500);
  clock.advance(1_000);
  expect(tracker.list({ kind: 'input' })).toMatchObject([{ closeReason: 'quota_data' }]);
});
