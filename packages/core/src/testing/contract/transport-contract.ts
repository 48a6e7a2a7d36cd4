import { endingCases } from './ending-cases.js';
import type { TransportHarness } from './harness.js';
import { openingCases } from './opening-cases.js';
import { World } from './world.js';

/** Cases take a few seconds at the most; a loaded machine gets more. */
const CASE_TIMEOUT_MS = 30_000;

interface Runner {
  describe: (name: string, body: () => void) => unknown;
  it: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;
}

/**
 * The rules that every transport adapter keeps, as a suite for any test runner that has `describe` and `it` as globals
 * (Jest, Mocha, Vitest with `globals`). Call it at the top of a test file:
 *
 * ```ts
 * transportContract({ name: 'RTMP', protocol: 'rtmp', start: (tracker) => startMyServer(tracker) });
 * ```
 *
 * It runs real clients on the real clock, each case with a tracker and a server of its own.
 *
 * @throws Error when there is no test runner.
 */
export function transportContract(harness: TransportHarness): void {
  const { describe, it } = runner();
  describe(`${harness.name} keeps the transport contract:`, () => {
    for (const one of [...openingCases(harness.protocol), ...endingCases]) {
      it(one.name, () => World.run(harness, one), CASE_TIMEOUT_MS);
    }
  });
}

function runner(): Runner {
  const found = globalThis as Partial<Runner>;
  if (typeof found.describe === 'function' && typeof found.it === 'function') return found as Runner;
  throw new Error(
    'transportContract() registers its cases with the global describe() and it() of a test runner, and there are none. ' +
      'Call it in a test file of Jest or Mocha; with Vitest set `globals: true`.',
  );
}
