import type { StorageHarness } from './harness.js';
import { StorageWorld, type StorageCase } from './world.js';

/** Cases take less than a second; a loaded machine gets more. */
const CASE_TIMEOUT_MS = 120_000;

type Register = (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;

interface Runner {
  describe: (name: string, body: () => void) => unknown;
  it: Register & { skip: Register };
}

export function register(harness: StorageHarness, cases: readonly StorageCase[]): void {
  const { name, skip = [] } = harness;
  const unknown = skip.find((skipped) => !cases.some((one) => one.name === skipped.case));
  if (unknown !== undefined) {
    const known = cases.map((one) => `"${one.name}"`).join(', ');
    throw new Error(`storageContract: there is no case "${unknown.case}" to skip. The cases are ${known}.`);
  }
  const { describe, it } = runner();
  describe(`${name} keeps the storage contract:`, () => {
    for (const one of cases) {
      const skipped = skip.find((other) => other.case === one.name);
      const run = (): Promise<void> => StorageWorld.run(harness, one);
      if (skipped === undefined) it(one.name, run, CASE_TIMEOUT_MS);
      else it.skip(`${one.name} (skipped: ${skipped.reason})`, run, CASE_TIMEOUT_MS);
    }
  });
}

function runner(): Runner {
  const found = globalThis as Partial<Runner>;
  if (typeof found.describe === 'function' && typeof found.it === 'function') return found as Runner;
  throw new Error(
    'storageContract() registers its cases with the global describe() and it() of a test runner, and there are none. ' +
      'Call it in a test file of Jest or Mocha; with Vitest set `globals: true`.',
  );
}
