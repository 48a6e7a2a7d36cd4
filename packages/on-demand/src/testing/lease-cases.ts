import assert from 'node:assert/strict';
import type { Contender, RunningLease } from './lease-harness.js';
import { until } from './waiting.js';

/** One rule. */
export interface LeaseCase {
  readonly name: string;
  test(lease: RunningLease, takeoverMs: number): Promise<void>;
}

const acquireAll = (contenders: readonly Contender[]): Promise<boolean[]> =>
  Promise.all(contenders.map((one) => one.acquire()));

async function holdersOf(contenders: readonly Contender[]): Promise<Contender[]> {
  const held = await Promise.all(contenders.map(async (one) => one.held()));
  return contenders.filter((_, n) => held[n]);
}

const several = (lease: RunningLease, count: number): Promise<Contender[]> =>
  Promise.all(Array.from({ length: count }, () => lease.contender()));

/** What every lease must do. */
export const leaseCases: readonly LeaseCase[] = [
  {
    name: 'is held by the first who asks, and by no other',
    test: async (lease) => {
      const [first, second] = (await several(lease, 2)) as [Contender, Contender];
      assert.equal(await first.held(), false);
      assert.equal(await first.acquire(), true);
      assert.equal(await second.acquire(), false);
      assert.equal(await first.acquire(), true);
      assert.deepEqual([await first.held(), await second.held()], [true, false]);
    },
  },
  {
    name: 'goes to another when it is given back, and not when somebody else gives it back',
    test: async (lease) => {
      const [first, second] = (await several(lease, 2)) as [Contender, Contender];
      await first.acquire();
      await second.release();
      assert.equal(await second.acquire(), false);
      await first.release();
      assert.equal(await first.held(), false);
      assert.equal(await second.acquire(), true);
      assert.equal(await first.acquire(), false);
      await first.release();
      assert.equal(await second.held(), true);
    },
  },
  {
    name: 'goes to another when its holder is killed',
    test: async (lease, takeoverMs) => {
      const [first, second] = (await several(lease, 2)) as [Contender, Contender];
      await first.acquire();
      assert.equal(await second.acquire(), false);
      await first.kill();
      await until('the other has it', () => second.acquire(), takeoverMs);
      assert.equal(await second.held(), true);
    },
  },
  {
    name: 'goes to one of many who come at once, however often its holder is killed',
    test: async (lease, takeoverMs) => {
      const left = await several(lease, 5);
      while (left.length > 1) {
        await until('somebody has it', async () => (await acquireAll(left)).includes(true), takeoverMs);
        await acquireAll(left);
        const holders = await holdersOf(left);
        assert.equal(holders.length, 1);
        await holders[0]?.kill();
        left.splice(left.indexOf(holders[0] as Contender), 1);
      }
    },
  },
  {
    name: 'tells each process what the others share, and nothing of dead or former ones, if it tells anything',
    test: async (lease, takeoverMs) => {
      const [first, second, third] = (await several(lease, 3)) as [Contender, Contender, Contender];
      if (first.share === undefined || second.share === undefined || third.share === undefined) return;
      await acquireAll([first, second, third]);
      assert.equal((await first.share({ watched: ['cam-1'], running: ['cam-1'] })).length, 0);
      const told = await second.share({ watched: ['cam-2'], running: [] });
      assert.deepEqual([told.length, String(told[0]?.watched), String(told[0]?.running)], [1, 'cam-1', 'cam-1']);
      const watched = async (): Promise<string> => {
        const others = (await third.share?.({ watched: [], running: [] })) ?? [];
        return others
          .map((one) => String(one.watched))
          .sort()
          .join();
      };
      assert.equal(await watched(), 'cam-1,cam-2');
      await second.share({ watched: ['cam-3'], running: [] });
      assert.equal(await watched(), 'cam-1,cam-3');
      await second.release();
      assert.equal(await watched(), 'cam-1');
      await first.kill();
      await until('nothing is told of the dead', async () => (await watched()) === '', takeoverMs);
    },
  },
];
