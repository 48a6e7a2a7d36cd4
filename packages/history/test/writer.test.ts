import { fakeClock } from '@stream-sessions/core/testing';
import type { Segment } from '../src/write/segment.js';
import { Writer } from '../src/write/writer.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A journal of so many parts, which says what is done with it. */
function stage(parts: number) {
  const left = Array.from({ length: parts }, (_, n) => ({ n, read: async () => [] }) as unknown as Segment);
  const done: Segment[] = [];
  const journal = {
    oldest: () => left[0],
    seal: () => undefined,
    done: async (part: Segment) => void done.push(...left.splice(left.indexOf(part), 1)),
    get isEmpty() {
      return left.length === 0;
    },
    get isBehind() {
      return left.length > 1;
    },
  };
  const clock = fakeClock();
  return { writer: new Writer(journal, async () => undefined, clock, quiet), clock, done };
}

const settle = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise(setImmediate);
};

it('the writer gathers changes for a moment, but does not wait while it is behind', async () => {
  const { writer, clock, done } = stage(5);
  writer.start();
  await settle();
  expect(done).toHaveLength(0);
  clock.advance(50);
  await settle();
  expect(done).toHaveLength(4);
  clock.advance(50);
  await settle();
  expect(done).toHaveLength(5);
  await writer.stop();
});
