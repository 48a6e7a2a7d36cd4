import { registerSuite } from '../suite.js';
import { sinkCases } from './cases.js';
import type { SinkHarness } from './harness.js';
import { SinkWorld } from './world.js';

/**
 * The rules that every event sink keeps, as a suite for any test runner that has `describe` and `it` as globals (Jest, Mocha,
 * Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * sinkContract({ name: 'a file of events', start: () => startMySink() });
 * ```
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function sinkContract(harness: SinkHarness): void {
  registerSuite(
    'sinkContract',
    `${harness.name} keeps the sink contract:`,
    sinkCases,
    (one) => SinkWorld.run(harness, one),
    harness.skip,
  );
}
