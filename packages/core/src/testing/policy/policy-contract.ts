import { registerSuite } from '../suite.js';
import { policyCases } from './cases.js';
import type { PolicyHarness } from './harness.js';
import { PolicyWorld } from './world.js';

/**
 * The rules that every policy keeps, as a suite for any test runner that has `describe` and `it` as globals (Jest, Mocha,
 * Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * policyContract({
 *   name: 'members only',
 *   start: () => ({
 *     policy: membersOnly(['anna']),
 *     allowed: (n) => ({ stream: 'cam1', protocol: 'hls', ip: `198.51.100.${n % 250}`, token: 'anna' }),
 *     refused: (n) => ({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: `stranger ${n}` }),
 *   }),
 * });
 * ```
 *
 * It asks the policy through a real tracker on a fake clock.
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function policyContract(harness: PolicyHarness): void {
  registerSuite(
    'policyContract',
    `${harness.name} keeps the policy contract:`,
    policyCases,
    (one) => PolicyWorld.run(harness, one),
    harness.skip,
  );
}
