import assert from 'node:assert/strict';
import type { StateChange, StateStore } from '../../types/state.js';
import type { RunningStateStore } from './harness.js';

export interface StateStoreCase {
  readonly name: string;
  test(place: RunningStateStore): Promise<void>;
}

/** The stored state, as a tracker reads it. */
async function read(store: StateStore): Promise<Map<string, unknown>> {
  const kept = new Map<string, unknown>();
  for await (const changes of store.load()) {
    for (const [key, value] of changes) {
      if (value === undefined) kept.delete(key);
      else kept.set(key, value);
    }
  }
  return kept;
}

/** Opens the store as the next process, and reads what it finds. */
async function reopened(place: RunningStateStore): Promise<[StateStore, Map<string, unknown>]> {
  const store = await place.open();
  return [store, await read(store)];
}

const MANY = 3_000;
const HOSTILE = ['"', '\\', '\n', '\u2028', '\0', '\u{1f600}', '["a",1]', '__proto__', 'x'.repeat(5_000)];

/** What every state store must do, wherever it writes. */
export const stateStoreCases: StateStoreCase[] = [
  {
    name: 'has nothing at first',
    test: async (place) => {
      const [store, kept] = await reopened(place);
      assert.equal(kept.size, 0);
      await store.close();
    },
  },
  {
    name: 'gives the next process what was saved: of each key the last value, and nothing of what was deleted',
    test: async (place) => {
      const [store] = await reopened(place);
      await store.save([
        ['a', { n: 1 }],
        ['b', [1, 'two', null]],
        ['c', 'text'],
      ]);
      await store.save([
        ['a', { n: 2 }],
        ['b', undefined],
        ['never there', undefined],
      ]);
      await store.close();
      const [next, kept] = await reopened(place);
      assert.deepEqual([...kept].sort(), [
        ['a', { n: 2 }],
        ['c', 'text'],
      ]);
      await next.save([['b', 'again']]);
      await next.close();
      const [last, then] = await reopened(place);
      assert.equal(then.get('b'), 'again');
      await last.close();
    },
  },
  {
    name: 'has what was saved when a process dies that did not close it',
    test: async (place) => {
      const [store] = await reopened(place);
      await store.save([['a', 1]]);
      await place.crash?.();
      const [next, kept] = await reopened(place);
      assert.deepEqual([...kept], [['a', 1]]);
      await next.close();
    },
  },
  {
    name: 'applies saves one after another, in order, even if nobody awaits them',
    test: async (place) => {
      const [store] = await reopened(place);
      await Promise.all(Array.from({ length: 20 }, (_, n) => store.save([['a', n]])));
      await store.close();
      const [next, kept] = await reopened(place);
      assert.equal(kept.get('a'), 19);
      await next.close();
    },
  },
  {
    name: 'keeps thousands of records that change again and again',
    test: async (place) => {
      const [store] = await reopened(place);
      for (let round = 0; round < 12; round++) {
        const changes = Array.from({ length: MANY }, (_, n): StateChange => [
          `record ${n}`,
          { round, text: 'x'.repeat(40) },
        ]);
        await store.save(changes);
      }
      await store.save(Array.from({ length: MANY / 2 }, (_, n): StateChange => [`record ${2 * n}`, undefined]));
      await store.close();
      const [next, kept] = await reopened(place);
      assert.equal(kept.size, MANY / 2);
      assert.deepEqual(kept.get('record 1'), { round: 11, text: 'x'.repeat(40) });
      await next.close();
    },
  },
  {
    name: 'returns keys and values unchanged, whatever letters they have',
    test: async (place) => {
      const changes = HOSTILE.map((text): StateChange => [text, { text, list: [text] }]);
      const [store] = await reopened(place);
      await store.save(changes);
      await store.close();
      const [next, kept] = await reopened(place);
      assert.deepEqual([...kept].sort(), [...changes].sort());
      await next.close();
    },
  },
  {
    name: 'keeps its key for as long as what it keeps',
    test: async (place) => {
      const [store] = await reopened(place);
      const { fingerprintKey } = store;
      await store.close();
      const [next] = await reopened(place);
      assert.equal(next.fingerprintKey, fingerprintKey);
      assert.ok(fingerprintKey === undefined || fingerprintKey.length >= 32, 'a key is long, or there is none');
      await next.close();
    },
  },
];

export async function runStateStoreCase(
  start: () => RunningStateStore | Promise<RunningStateStore>,
  one: StateStoreCase,
): Promise<void> {
  const place = await start();
  try {
    await one.test(place);
  } finally {
    await place.stop?.();
  }
}
