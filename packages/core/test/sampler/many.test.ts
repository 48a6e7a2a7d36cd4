import { Sampler } from '../../src/spi.js';
import { fakeClock } from '../../src/testing/index.js';

const MANY = 2_500;

it('reads a thousand connections in one go, lets others have a turn, and reads each once, though some end meanwhile', async () => {
  const clock = fakeClock();
  const sampler = new Sampler(clock);
  const reads = new Array<number>(MANY).fill(0);
  const registrations = reads.map((_none, i) =>
    sampler.add({
      handle: { onCut: () => undefined, touch: () => undefined, addReceived: () => undefined, close: () => undefined },
      counters: { sent: () => (reads[i]!++, 0) },
      destroy: () => undefined,
    }),
  );
  const total = () => reads.reduce((sum, each) => sum + each, 0);
  clock.advance(1_000);
  expect(total()).toBe(1_000);
  // they are read once more as they end: two that were to be read, and one that was
  for (const i of [0, 700, 2_400]) registrations[i]!.close();
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  const twice = reads.flatMap((count, i) => (count === 1 ? [] : [[i, count]]));
  expect(twice.filter(([, count]) => count !== 2)).toEqual([]);
  expect(twice.some(([i]) => i === 2_400)).toBe(true);
  expect(twice.length).toBeLessThanOrEqual(3);
  clock.advance(1_000);
  sampler.sample();
  expect(Math.min(...reads)).toBe(1); // those that ended
  for (const registration of registrations) registration.close();
});
