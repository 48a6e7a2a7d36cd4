import { registerSuite } from '@stream-sessions/core/testing';
import { linkCases } from './link-cases.js';
import type { ClusterLinkHarness } from './harness.js';
import { runLinkCase } from './world.js';

export type { ClusterLinkHarness, RunningLinks } from './harness.js';

/**
 * The rules that every link of a cluster keeps, as a suite for any test runner that has `describe` and `it` as globals (Jest,
 * Mocha, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * clusterLinkContract({ name: 'my link', start: () => startMyServer() });
 * ```
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function clusterLinkContract(harness: ClusterLinkHarness): void {
  registerSuite(
    'clusterLinkContract',
    `${harness.name} keeps the contract of cluster links:`,
    linkCases,
    (one) => runLinkCase(harness, one),
    harness.skip,
  );
}
