import type { PassStore } from '../types/store.js';
import { CASES, type StoreCase } from './cases.js';

/** What a store provides to run `passStoreContract`. */
export interface PassStoreHarness {
  /** Names the suite. */
  name: string;
  /** Opens an empty store. */
  start(): PassStore | Promise<PassStore>;
  /** Opens a store again on what the first one kept, after that was closed; absent if it keeps nothing. */
  reopen?(): PassStore | Promise<PassStore>;
  /** Another writer's view of the same store, as in another process. Default: the store itself. */
  another?(store: PassStore): PassStore | Promise<PassStore>;
  /** Stops everything that was started. */
  stop?(): unknown;
}

interface Runner {
  describe: (name: string, body: () => void) => unknown;
  it: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;
}

const CASE_TIMEOUT_MS = 120_000;

/**
 * The rules that every store of passes keeps, as a suite for any test runner that has `describe` and `it` as globals (Jest,
 * Mocha, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * passStoreContract({ name: 'my store', start: () => openMyStore() });
 * ```
 *
 * @throws Error if there is no test runner.
 */
export function passStoreContract(harness: PassStoreHarness): void {
  const { describe, it } = globalThis as Partial<Runner>;
  if (typeof describe !== 'function' || typeof it !== 'function') {
    throw new Error('passStoreContract() needs the global describe() and it() of a test runner, such as Jest.');
  }
  describe(`${harness.name} keeps the contract of pass stores:`, () => {
    for (const one of CASES) {
      if (one.reopens === true && harness.reopen === undefined) continue;
      it(one.name, () => run(harness, one), CASE_TIMEOUT_MS);
    }
  });
}

async function run(harness: PassStoreHarness, one: StoreCase): Promise<void> {
  const store = await harness.start();
  const opened = [store];
  const reopen = async (): Promise<PassStore> => {
    await store.close?.();
    const again = await (harness.reopen?.() ?? store);
    opened.push(again);
    return again;
  };
  try {
    await one.run({ store, another: (await harness.another?.(store)) ?? store, reopen });
  } finally {
    for (const each of opened) await each.close?.();
    await harness.stop?.();
  }
}
