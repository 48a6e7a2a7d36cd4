import { driverCases, type DriverCase } from './cases.js';
import type { DriverHarness } from './harness.js';

export type { DriverHarness, RunningDriver } from './harness.js';

interface Runner {
  describe(name: string, body: () => void): unknown;
  it: ((name: string, body: () => Promise<void>, timeoutMs?: number) => unknown) & {
    skip(name: string, body: () => Promise<void>): unknown;
  };
}

const CASE_TIMEOUT_MS = 30_000;

/**
 * The rules that every driver of sources keeps, as a suite for any test runner that has `describe` and `it` as globals (Jest,
 * Mocha, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * driverContract({ name: 'my driver', start: () => ({ driver, isRunning, crash }) });
 * ```
 *
 * @throws Error when there is no test runner, or when `skip` names a case that does not exist.
 */
export function driverContract(harness: DriverHarness): void {
  const { describe, it } = globalThis as unknown as Partial<Runner>;
  if (describe === undefined || it === undefined) {
    throw new Error('driverContract() needs the global describe() and it() of a test runner, and there are none.');
  }
  const { name, skip = [] } = harness;
  for (const { case: skipped } of skip) {
    if (!driverCases.some((one) => one.name === skipped)) {
      throw new Error(`driverContract(): there is no case "${skipped}" to skip.`);
    }
  }
  describe(`${name} as a driver of sources`, () => {
    for (const one of driverCases) {
      const skipped = skip.find((other) => other.case === one.name);
      if (skipped === undefined) it(one.name, () => play(harness, one), CASE_TIMEOUT_MS);
      else it.skip(`${one.name} (skipped: ${skipped.reason})`, () => play(harness, one));
    }
  });
}

async function play(harness: DriverHarness, one: DriverCase): Promise<void> {
  const subject = await harness.start();
  try {
    await one.test(subject);
  } finally {
    await subject.driver.close?.();
    await subject.stop?.();
  }
}
