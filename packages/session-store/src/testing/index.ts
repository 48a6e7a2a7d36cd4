import type { StorageHarness } from './harness.js';
import { lifetimeCases } from './lifetime-cases.js';
import { managerCases } from './manager-cases.js';
import { storageCases } from './storage-cases.js';
import { register } from './suite.js';

export type { RunningStorage, SkippedCase, StorageHarness } from './harness.js';

/**
 * The rules that every session storage keeps, on its own and below a manager, as a suite for any test runner that has `describe`
 * and `it` as globals (Jest, Mocha, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * storageContract({ name: 'my storage', start: () => startMyStorage() });
 * ```
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function storageContract(harness: StorageHarness): void {
  register(harness, [...storageCases, ...managerCases, ...lifetimeCases]);
}
