import { deepStrictEqual, equal } from 'node:assert/strict';
import { applySpending } from '../rules/spending.js';
import { PASS_TYPES } from '../types/session-data.js';
import type { Pass, PassStore, Spending } from '../types/store.js';

interface World {
  readonly store: PassStore;
  /** Another writer's view of it. */
  readonly another: PassStore;
  readonly reopen: () => Promise<PassStore>;
}

/** One rule. */
export interface StoreCase {
  readonly name: string;
  /** It needs a store that persists. */
  readonly reopens?: boolean;
  run(world: World): Promise<void>;
}

const START = Date.UTC(2026, 0, 1);

const passOf = (over: Partial<Pass> = {}): Pass => ({
  id: 'a',
  owner: 'ann',
  provider: '',
  type: PASS_TYPES.time_or_data,
  timeSecs: 3_600,
  dataMb: 100,
  timeCons: 0,
  dataCons: 0,
  startedAt: null,
  expDays: 30,
  downMbits: 4,
  upMbits: 0,
  useGlobalSpeed: false,
  createdAt: START,
  billedUntil: null,
  endedAt: null,
  ops: {},
  ...over,
});

/** Ten seconds and a thousand bytes, starting at this many seconds. */
const spending = (op: number, fromSecs: number, over: Partial<Spending> = {}): Spending => ({
  writer: 'w1',
  op,
  from: START + fromSecs * 1e3,
  to: START + (fromSecs + 10) * 1e3,
  bytes: 1_000,
  startedAt: START,
  now: START + (fromSecs + 10) * 1e3,
  ...over,
});

const consumed = async (store: PassStore, id = 'a'): Promise<unknown> => {
  const pass = await store.get(id);
  return pass && [pass.timeCons, Math.round(pass.dataCons * 1e6)];
};

const byId = (passes: readonly Pass[]): string[] => passes.map(({ id }) => id).sort();

export const CASES: readonly StoreCase[] = [
  {
    name: 'returns a pass as it was added',
    async run({ store }) {
      const pass = passOf({ terms: 'hash', owner: 'Ann ä 雪 "\n' });
      deepStrictEqual(await store.add(pass), pass);
      deepStrictEqual(await store.get('a'), pass);
      deepStrictEqual(await store.list(pass.owner), [pass]);
    },
  },
  {
    name: 'keeps the first of two passes with one id, and returns it to both',
    async run({ store, another }) {
      const added = await Promise.all([
        store.add(passOf({ timeSecs: 1 })),
        another.add(passOf({ timeSecs: 2 })),
        store.add(passOf({ timeSecs: 3 })),
      ]);
      const kept = await store.get('a');
      for (const pass of added) deepStrictEqual(pass, kept);
      equal((await store.list('ann')).length, 1);
    },
  },
  {
    name: 'lists the passes of an owner, and of nobody else',
    async run({ store }) {
      for (const [id, owner] of [
        ['a', 'ann'],
        ['b', 'bob'],
        ['c', 'ann'],
        ['d', 'ANN'],
      ] as const) {
        await store.add(passOf({ id, owner }));
      }
      deepStrictEqual(byId(await store.list('ann')), ['a', 'c']);
      deepStrictEqual(byId(await store.list('bob')), ['b']);
      deepStrictEqual(await store.list('__proto__'), []);
    },
  },
  {
    name: 'knows nothing of a pass that is not there',
    async run({ store }) {
      deepStrictEqual(
        [await store.get('a'), await store.spend('a', spending(1, 0)), await store.change('a', { addSecs: 1 })],
        [undefined, undefined, undefined],
      );
    },
  },
  {
    name: 'spends as applySpending says, and returns the pass',
    async run({ store }) {
      await store.add(passOf());
      const expected = applySpending(passOf(), spending(1, 0));
      deepStrictEqual(await store.spend('a', spending(1, 0)), expected);
      deepStrictEqual(await store.get('a'), expected);
    },
  },
  {
    name: 'counts a spending once, however often it is repeated',
    async run({ store, another }) {
      await store.add(passOf());
      await Promise.all([1, 2, 3].map(async (n) => (n === 2 ? another : store).spend('a', spending(1, 0))));
      await store.spend('a', spending(2, 10));
      await store.spend('a', spending(1, 0));
      deepStrictEqual(await consumed(store), [20, 2_000]);
    },
  },
  {
    name: 'bills no second twice, whoever says that it was watched',
    async run({ store, another }) {
      await store.add(passOf());
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) =>
          (i % 2 === 0 ? store : another).spend('a', spending(1, i % 5, { writer: `w${i}` })),
        ),
      );
      const [seconds, bytes] = (await consumed(store)) as [number, number];
      // From the first to the last, or less if a later one arrived first.
      equal(seconds >= 10 && seconds <= 14, true, `${seconds} seconds`);
      equal(bytes, 20_000);
    },
  },
  {
    name: 'loses nothing when many spend and change at the same time',
    async run({ store, another }) {
      await store.add(passOf({ type: PASS_TYPES.data }));
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const view = i % 2 === 0 ? store : another;
          await view.spend('a', spending(i + 1, 0, { writer: i % 2 === 0 ? 'w1' : 'w2' }));
          await view.change('a', { addMb: 1, addDays: 1 });
        }),
      );
      const pass = await store.get('a');
      deepStrictEqual([pass?.dataMb, pass?.expDays, pass?.dataCons], [150, 80, 0.05]);
    },
  },
  {
    name: 'begins a pass once',
    async run({ store, another }) {
      await store.add(passOf());
      const first = await store.spend('a', spending(1, 0, { startedAt: START + 1 }));
      await another.spend('a', spending(1, 10, { writer: 'w2', startedAt: START + 2 }));
      equal(first?.startedAt, START + 1);
      equal((await store.get('a'))?.startedAt, START + 1);
    },
  },
  {
    name: 'ends a pass once',
    async run({ store }) {
      await store.add(passOf());
      await store.change('a', { endedAt: START + 1 });
      await store.change('a', { endedAt: START + 2 });
      equal((await store.get('a'))?.endedAt, START + 1);
    },
  },
  {
    name: 'adds nothing to a pass that was ended',
    async run({ store }) {
      await store.add(passOf());
      const before = await store.change('a', { endedAt: START + 1 });
      const once = { key: 'k', terms: 'a minute' };
      const after = await store.change('a', { addSecs: 60, addMb: 1, addDays: 1, once });
      deepStrictEqual(after, before);
    },
  },
  {
    name: 'makes a change with a key once, whoever repeats it',
    async run({ store, another }) {
      await store.add(passOf());
      const once = { key: 'k', terms: 'a minute' };
      await Promise.all(
        [store, another, store].map(async (view) => view.change('a', { addSecs: 60, addMb: 1, addDays: 1, once })),
      );
      const after = await another.change('a', { addSecs: 7, once: { key: 'k', terms: 'seven seconds' } });
      deepStrictEqual(
        [after?.timeSecs, after?.dataMb, after?.expDays, after?.topUps],
        [3_660, 101, 31, { k: 'a minute' }],
      );
      deepStrictEqual((await store.change('a', { addSecs: 1 }))?.timeSecs, 3_661);
    },
  },
  {
    name: 'still has everything after it was closed and opened again',
    reopens: true,
    async run({ store, reopen }) {
      await store.add(passOf());
      await store.add(passOf({ id: 'b', owner: 'bob' }));
      for (let op = 1; op <= 10; op++) await store.spend('a', spending(op, op * 10));
      await store.change('b', { addSecs: 60, once: { key: 'k', terms: 'a minute' } });
      const before = [await store.get('a'), await store.get('b')];
      const again = await reopen();
      deepStrictEqual([await again.get('a'), await again.get('b')], before);
      await again.spend('a', spending(10, 100));
      deepStrictEqual(await consumed(again), [100, 10_000]);
    },
  },
];
