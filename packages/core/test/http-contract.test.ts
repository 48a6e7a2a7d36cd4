import { countingCases } from '../src/testing/http/counting-cases.js';
import { refusingCases } from '../src/testing/http/refusing-cases.js';
import { HttpWorld } from '../src/testing/http/world.js';
import { httpContract } from '../src/testing/index.js';
import { tinyHttp, type HttpFlaw } from './support/tiny-http.js';

httpContract(tinyHttp());

/** Runs all cases that mean this flaw, together, and tells which of them failed. */
async function failing(flaw: HttpFlaw, about: RegExp): Promise<string[]> {
  const cases = [...countingCases, ...refusingCases()].filter(({ name }) => about.test(name));
  expect(cases.length).toBeGreaterThan(0);
  const results = await Promise.allSettled(cases.map((one) => HttpWorld.run(tinyHttp(flaw), one)));
  return cases.map(({ name }) => name).filter((_, i) => results[i]?.status === 'rejected');
}

describe('the HTTP contract notices an adapter that', () => {
  it.concurrent.each<[HttpFlaw, RegExp]>([
    ['serves before it is let in', /refused later/],
    ['never cancels', /leaves while/],
    ['never cuts', /cuts a response/],
    ['never credits', /every body byte/],
    ['credits what the file has', /of a range/],
    ['ends the request at once', /under way/],
    ['loses the token', /two tokens/],
    ['believes any header', /forwarding header/],
    ['answers 403 to everything', /status of its kind/],
    ['counts a HEAD', /not media/],
  ])('%s', async (flaw, about) => {
    expect((await failing(flaw, about)).length).toBeGreaterThan(0);
  });
});
