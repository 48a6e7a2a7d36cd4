import { customDriver, type SourceRun } from '../src/index.js';
import { driverContract } from '../src/testing/index.js';

driverContract({
  name: 'customDriver',
  start: () => {
    const running = new Map<string, SourceRun>();
    return {
      driver: customDriver({
        start: ({ stream }, run) => void running.set(stream, run),
        stop: ({ stream }) => void running.delete(stream),
        state: ({ stream }) => (running.has(stream) ? 'running' : 'stopped'),
        close: () => running.clear(),
      }),
      isRunning: (stream) => running.has(stream),
      crash: (stream) => {
        running.get(stream)?.ended('it broke');
        running.delete(stream);
      },
    };
  },
  skip: [{ case: 'rejects, or says that it does not know, while it reaches nothing', reason: 'its functions decide' }],
});

it('a custom driver may have a name, and needs two functions', () => {
  const verbs = { start: () => undefined, stop: () => undefined };
  expect([customDriver(verbs).name, customDriver({ ...verbs, name: 'hall' }).name]).toEqual(['custom', 'hall']);
  expect(() => customDriver({ start: verbs.start } as never)).toThrow('stop');
  expect(() => customDriver({ ...verbs, state: 'running' as never })).toThrow('state');
});
