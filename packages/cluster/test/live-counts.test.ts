import { fakeClock } from '@stream-sessions/core/testing';
import { BUCKETS } from '../src/index.js';
import type { Membership } from '../src/membership/membership.js';
import { LiveCounts } from '../src/visits/live-counts.js';

/** Counts of a bucket in Redis that the test changes, and how they were read. */
function countsIn(counted: number) {
  const clock = fakeClock();
  const there = { version: '1', viewers: 5, epoch: 'first' };
  const replies: unknown[][] = [];
  const read = (bucket: number, known: string | undefined): unknown[] => {
    if (bucket !== counted) return [clock.now(), '', 'all', []];
    if (known === there.version) return [clock.now()];
    return [clock.now(), there.version, 'all', ['v:cam1', String(there.viewers)]];
  };
  const membership = {
    nodes: { now: () => clock.now() },
    epochOf: () => ({ id: there.epoch }),
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
  expect(replies.map(({ length }) => length === 1)).toEqual([false, true, true]);
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

it('reads all of a bucket that has come back empty, whatever its counts are called', async () => {
  const { there, viewers } = countsIn(BUCKET);
  expect(await viewers()).toBe(5);
  Object.assign(there, { epoch: 'second', viewers: 3 });
  expect(await viewers()).toBe(3);
});
