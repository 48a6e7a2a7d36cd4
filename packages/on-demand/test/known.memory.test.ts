import { heldBytes } from '@stream-sessions/core/testing';
import { closeStudios, studio, turn } from './support/studio.js';

afterEach(closeStudios);

it('a known source does not keep the request in memory that named it', async () => {
  const { sources } = studio({ maxRunning: 1_000, maxStarting: 1_000 });
  const wake = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      // parts of a text of its own, as from the network
      const url = Buffer.from(`/cam-in-the-hall-${1_000 + i}/index.m3u8?${'~'.repeat(20_000)}`).toString();
      sources.ready(url.slice(1, url.indexOf('/', 1)))?.cancel();
    }
    await turn();
  };
  await wake(0, 20);
  const before = heldBytes();
  await wake(20, 500);
  expect(sources.list()).toHaveLength(500);
  expect((heldBytes() - before) / 480).toBeLessThan(6_000);
});
