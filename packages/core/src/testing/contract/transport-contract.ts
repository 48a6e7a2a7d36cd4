import { endingCases } from './ending-cases.js';
import type { TransportHarness } from './harness.js';
import { openingCases } from './opening-cases.js';
import { registerSuite } from '../suite.js';
import { World } from './world.js';

/**
 * The rules that every transport adapter keeps, as a suite for any test runner that has `describe` and `it` as globals
 * (Jest, Mocha, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * transportContract({ name: 'RTMP', protocol: 'rtmp', start: (tracker) => startMyServer(tracker) });
 * ```
 *
 * It runs real clients on the real clock, each case with its own tracker and server.
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function transportContract(harness: TransportHarness): void {
  registerSuite(
    'transportContract',
    `${harness.name} keeps the transport contract:`,
    [...openingCases(harness.protocol), ...endingCases],
    (one) => World.run(harness, one),
    harness.skip,
  );
}
