import { fakeClock } from '@stream-sessions/core/testing';
import type { Membership } from '../src/membership/membership.js';
import { LatestSteps } from '../src/visits/latest-steps.js';

/** A Redis that has lost everything, or nothing. */
function stepsOn(reply: 'BEHIND' | 'OK') {
  const clock = fakeClock();
  const asked: string[][] = [];
  let lost = 0;
  const membership = {
    incarnation: 'one',
    formerIncarnation: '',
    run: (_step: unknown, _bucket: number, _keys: unknown, args: string[]) => {
      asked.push(args);
      return Promise.resolve(reply);
    },
    lostWrites: () => Promise.resolve(void lost++),
  };
  return {
    steps: new LatestSteps(membership as unknown as Membership, clock),
    clock,
    asked,
    membership,
    lost: () => lost,
  };
}

it('LatestSteps looks for the latest step of each hash of visits, and says when Redis has lost it', async () => {
  const { steps, asked, lost } = stepsOn('BEHIND');
  await steps.look();
  expect(asked).toEqual([]);
  steps.answered(3, 1, '7');
  steps.answered(3, 1, '9');
  await steps.look();
  expect(asked).toEqual([['on', '-', '9', '-']]);
  expect(lost()).toBe(1);
});

it('LatestSteps says nothing if the step is there', async () => {
  const { steps, lost } = stepsOn('OK');
  steps.answered(0, 0, '1');
  await steps.look();
  expect(lost()).toBe(0);
});

it('LatestSteps does not look for old steps, because keys that nobody changes expire', async () => {
  const { steps, asked, clock } = stepsOn('BEHIND');
  steps.answered(0, 0, '1');
  clock.advance(600_000);
  await steps.look();
  expect(asked).toEqual([]);
});

it('LatestSteps does not look for the steps of an earlier incarnation', async () => {
  const { steps, asked, membership } = stepsOn('BEHIND');
  steps.answered(0, 0, '1');
  membership.incarnation = 'two';
  await steps.look();
  expect(asked).toEqual([]);
});

it('LatestSteps looks for the steps of the incarnation before where it is told to', async () => {
  const { steps, asked, membership, lost } = stepsOn('BEHIND');
  steps.answered(0, 0, '1');
  steps.answered(5, 2, '2');
  expect(await steps.lookForFormer([0, 5])).toBe(false);
  Object.assign(membership, { incarnation: 'two', formerIncarnation: 'one' });
  expect(await steps.lookForFormer([5, 6])).toBe(true);
  expect(asked).toEqual([['on', '-', '-', '2']]);
  expect(lost()).toBe(1);
});
