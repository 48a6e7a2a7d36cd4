import { registerSuite } from '../suite.js';
import { runStateStoreCase, stateStoreCases } from './cases.js';
import type { StateStoreHarness } from './harness.js';

/**
 * The rules that every state store keeps, as a suite for any test runner that has `describe` and `it` as globals (Jest, Mocha,
 * Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * stateStoreContract({ name: 'a table of PostgreSQL', start: () => startMyDatabase() });
 * ```
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function stateStoreContract(harness: StateStoreHarness): void {
  registerSuite(
    'stateStoreContract',
    `${harness.name} keeps the state store contract:`,
    stateStoreCases,
    (one) => runStateStoreCase(() => harness.start(), one),
    harness.skip,
  );
}
