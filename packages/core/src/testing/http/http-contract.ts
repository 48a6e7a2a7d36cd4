import { registerSuite } from '../suite.js';
import { countingCases } from './counting-cases.js';
import type { HttpHarness } from './harness.js';
import { refusingCases } from './refusing-cases.js';
import { HttpWorld } from './world.js';

/**
 * The rules that every adapter for an HTTP framework keeps, as a suite for any test runner that has `describe` and `it` as
 * globals (Jest, Mocha, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * httpContract({ name: 'Fastify', start: (tracker, folder) => startMyServer(tracker, folder) });
 * ```
 *
 * It runs real clients on the real clock, each case with its own tracker and server.
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function httpContract(harness: HttpHarness): void {
  registerSuite(
    'httpContract',
    `${harness.name} keeps the HTTP contract:`,
    [...countingCases, ...refusingCases()],
    (one) => HttpWorld.run(harness, one),
    harness.skip,
  );
}
