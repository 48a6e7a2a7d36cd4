import { endingCases } from '../src/testing/contract/ending-cases.js';
import { openingCases } from '../src/testing/contract/opening-cases.js';
import { World } from '../src/testing/contract/world.js';
import type { Flaw } from './support/tcp-adapter.js';
import { tinyHarness } from './support/tiny-harness.js';

/** Runs all cases that mean this flaw, together, and tells which of them failed. */
async function failing(flaw: Flaw, about: RegExp): Promise<string[]> {
  const cases = [...openingCases('tiny'), ...endingCases].filter(({ name }) => about.test(name));
  expect(cases.length).toBeGreaterThan(0);
  const results = await Promise.allSettled(cases.map((one) => World.run(tinyHarness(flaw), one)));
  return cases.map(({ name }) => name).filter((_, i) => results[i]?.status === 'rejected');
}

describe('the transport contract notices an adapter that', () => {
  it.concurrent.each<[Flaw, RegExp]>([
    ['serves before it is let in', /refused later/],
    ['never cancels', /leaves while/],
    ['never cuts', /cuts a kicked client/],
    ['never touches', /on the list/],
    ['never closes', /dropped as gone/],
    ['does not count the last bytes', /after a cut|after it dropped/],
    ['calls everybody a viewer', /a publisher as an input/],
    ['severs when it is detached', /detached/],
    ['merges connections', /one session per connection/],
  ])('%s', async (flaw, about) => {
    expect((await failing(flaw, about)).length).toBeGreaterThan(0);
  });
});
