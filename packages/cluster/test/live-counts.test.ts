import { fakeClock } from '@stream-sessions/core/testing';
import { BUCKETS } from '../src/index.js';
import type { Membership } from '../src/membership/membership.js';
import { UNCHANGED } from '../src/visits/figure-steps.js';
import { LiveCounts } from '../src/visits/live-counts.js';
import { VERSION } from '../src/visits/visit-lua.js';

/** Counts of a bucket in Redis that the test changes, and how they were read. */
function countsIn(counted: number) {
  const clock = fakeClock();
  const there = { version: '1', viewers: 5 };
  const replies: unknown[] = [];
  const read = (bucket: number, known: string | undefined): unknown => {
    if (bucket !== counted) return [];
    if (known === there.version) return UNCHANGED;
    return ['v:cam1', String(there.viewers), VERSION, there.version];
  };
  const membership = {
    nodes: { now: () => clock.now() },
    run: async (_step: unknown, bucket: number, _keys: unknown, [known]: readonly string[]) => {
      const reply = read(bucket, known);
      if (bucket === counted) replies.push(reply);
      return reply;
    },
  };
  const counts = new LiveCounts(membership as unknown as Membership, clock);
  const viewers = async (): Promise<number> => {
    clock.advance(2_000);
    return counts.count(['viewer'], 'cam1');
  };
  return { counts, there, replies, viewers };
}

const BUCKET = BUCKETS - 1;

it('reads what has not changed once', async () => {
  const { there, replies, viewers } = countsIn(BUCKET);
  expect([await viewers(), await viewers(), await viewers()]).toEqual([5, 5, 5]);
  expect(replies.map((reply) => reply === UNCHANGED)).toEqual([false, true, true]);
  Object.assign(there, { version: '2', viewers: 7 });
  expect([await viewers(), await viewers()]).toEqual([7, 7]);
});

it('is right again with the next read, if a change of its own was in the last one already', async () => {
  const { counts, viewers } = countsIn(BUCKET);
  expect(await viewers()).toBe(5);
  counts.note(BUCKET, 'v:cam1', 1);
  expect(await counts.count(['viewer'], 'cam1')).toBe(6);
  expect([await viewers(), await counts.count(['viewer'])]).toEqual([5, 5]);
});
