import { concurrencyPolicy } from '@stream-sessions/policies';
import type { Policy, RequestHandle, Verdict } from '@stream-sessions/core';
import fc from 'fast-check';
import { hit, live, world } from './support/make.js';

const GRACE_MS = 10_000;

const device = fc.constantFrom(1, 2, 3, 4, 5);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant('ask' as const), device, stays: fc.boolean(), isSlow: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('answer' as const), n: fc.nat(1), allow: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('end' as const), n: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('kick' as const), n: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.constantFrom(1, 6_000, 10_001) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('set' as const), ms: fc.constantFrom(-3_600_000, 3_600_000) }),
  },
);

it('lets in as many as may play, and refuses nobody while one of them is quiet', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      async (max, steps) => {
        const users: Policy = { name: 'users', stage: 'authorise', admit: () => ({ allow: true, userId: 'bob' }) };
        const undecided: ((verdict: Verdict) => void)[] = [];
        const slow: Policy = {
          name: 'slow',
          admit: ({ token }) =>
            token?.endsWith('slow') === true ? new Promise((resolve) => void undecided.push(resolve)) : { allow: true },
        };
        const limit = concurrencyPolicy({ max, graceMs: GRACE_MS });
        const { tracker, clock } = world([users, limit, slow], { idleTimeoutMs: 60_000, policyTimeoutMs: 3_600_000 });
        const open: { id: string | undefined; handle: RequestHandle }[] = [];
        let asking = 0;
        const isOpen = (id: string): boolean => open.some((each) => each.id === id);
        /** Those who hold a slot whatever happens. */
        const playing = (): number =>
          live(tracker).filter(({ id, updatedAt }) => isOpen(id) || clock.now() - updatedAt <= GRACE_MS).length;

        for (const what of steps) {
          if (what.does === 'ask') {
            const { device: n, stays, isSlow } = what;
            const own = { token: `${n}${isSlow ? ' slow' : ''}`, userAgent: `device ${n}` };
            const isKnown = live(tracker).some(({ userAgent }) => userAgent === own.userAgent);
            const before = playing() + asking;
            const take = (answer: Awaited<ReturnType<typeof tracker.admit>>): void => {
              if (!answer.admitted) return;
              const handle = answer.handle;
              if (stays) open.push({ id: handle.session?.id, handle });
              else handle.end();
            };
            const asked = tracker.admit(hit(own));
            if ('then' in asked) {
              asking = undecided.length;
              void asked.then(take);
            } else {
              take(asked);
              if (!asked.admitted && !isKnown) expect(before).toBeGreaterThanOrEqual(max);
            }
          } else if (what.does === 'answer') {
            undecided.splice(what.n, 1)[0]?.(
              what.allow ? { allow: true } : { allow: false, reason: 'no', denyForMs: 0 },
            );
            await new Promise(setImmediate);
            asking = undecided.length;
          } else if (what.does === 'end') open.splice(what.n, 1)[0]?.handle.end();
          else if (what.does === 'kick') tracker.kick(live(tracker)[what.n]?.id ?? '', { denyForMs: 0 });
          else if (what.does === 'wait') clock.advance(what.ms);
          else {
            clock.jump(what.ms);
            // the tracker notices with its next sweep
            clock.advance(1_000);
          }
          expect(playing()).toBeLessThanOrEqual(max);
        }
        undecided.forEach((answer) => answer({ allow: false, reason: 'no' }));
        await tracker.stop();
      },
    ),
    { numRuns: 300 },
  );
});
