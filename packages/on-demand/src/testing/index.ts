import { driverCases, type DriverCase } from './driver-cases.js';
import type { DriverHarness } from './driver-harness.js';
import { leaseCases } from './lease-cases.js';
import type { LeaseHarness } from './lease-harness.js';
import { suite } from './suite.js';

export type { DriverHarness, RunningDriver } from './driver-harness.js';
export type { Contender, LeaseHarness, RunningLease } from './lease-harness.js';

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
  const title = `${harness.name} as a driver of sources`;
  suite('driverContract', title, driverCases, (one) => play(harness, one), harness.skip);
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

/**
 * The rules that every lease of sources keeps, likewise as a suite. Its contenders are processes, or stand for them:
 *
 * ```ts
 * leaseContract({ name: 'my lease', start: () => ({ contender: () => aProcessThatHas(myLease()) }) });
 * ```
 *
 * @throws Error when there is no test runner, or when `skip` names a case that does not exist.
 */
export function leaseContract(harness: LeaseHarness): void {
  const { name, skip, takeoverMs = 5_000 } = harness;
  const run = async (one: (typeof leaseCases)[number]): Promise<void> => {
    const lease = await harness.start();
    try {
      await one.test(lease, takeoverMs);
    } finally {
      await lease.stop?.();
    }
  };
  suite('leaseContract', `${name} as a lease of sources`, leaseCases, run, skip);
}
