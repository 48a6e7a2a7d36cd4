import { fakeClock } from '@stream-sessions/core/testing';
import { Attempts } from '../src/link/attempts.js';

const TIMEOUT_MS = 1_000;

it.each([
  [
    'has failed each time',
    () => Promise.reject(new Error('READONLY it is a replica')),
    ' (the last attempt: READONLY it is a replica)',
  ],
  ['hangs', () => new Promise(() => undefined), ''],
])('what %s until the time is up is rejected, with the reason that is known', async (_, work, why) => {
  const clock = fakeClock();
  const asError = (error: unknown) => error as Error;
  const attempts = new Attempts({ at: 'Redis', timeoutMs: TIMEOUT_MS, clock, mayPass: () => true, asError });
  const made = attempts.make('lease', work).catch((error: unknown) => error);
  for (let ms = 0; ms <= TIMEOUT_MS; ms += 50) {
    await new Promise(setImmediate);
    clock.advance(50);
  }
  const message = `The link of the cluster failed: Redis has not answered lease within 1000 ms${why}. It may still happen.`;
  expect(await made).toMatchObject({ code: 'ERR_CLUSTER_LINK', message });
});
