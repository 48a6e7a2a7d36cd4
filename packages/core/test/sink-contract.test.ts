import type { EventSink, WireEvent } from '../src/index.js';
import { sinkContract, type SinkHarness } from '../src/testing/index.js';
import { sinkCases } from '../src/testing/sink/cases.js';
import { SinkWorld } from '../src/testing/sink/world.js';

type Flaw =
  | 'none'
  | 'drops the last batch'
  | 'mixes the order'
  | 'delivers twice'
  | 'dies of a failure'
  | 'makes up an event'
  | 'cuts the payload';

/** A sink that waits a moment, as one that writes to a disk does; with a flaw, as a bad one would. */
function harness(flaw: Flaw): SinkHarness {
  return {
    name: 'a sink in memory',
    start: () => {
      const arrived: WireEvent[] = [];
      let isDown = false;
      let isDead = false;
      const sink: EventSink = {
        name: 'memory',
        write: async (batch) => {
          await new Promise((resolve) => setImmediate(resolve));
          if (isDown && flaw === 'dies of a failure') isDead = true;
          if (isDown || isDead) throw new Error('down');
          const events = flaw === 'mixes the order' ? [...batch].reverse() : batch;
          arrived.push(...(flaw === 'cuts the payload' ? events.map((event) => ({ ...event, payload: {} })) : events));
          if (flaw === 'delivers twice') arrived.push(...events);
        },
        close: () => {
          if (flaw === 'drops the last batch') arrived.pop();
          if (flaw === 'makes up an event') arrived.push({} as WireEvent);
        },
      };
      return {
        sink,
        arrived: () => arrived,
        breakDown: () => (isDown = true),
        recover: () => (isDown = false),
      };
    },
  };
}

sinkContract(harness('none'));

describe('the sink contract notices a sink that', () => {
  it.each<[Flaw, RegExp]>([
    ['drops the last batch', /with what stop/],
    ['mixes the order', /in order/],
    ['delivers twice', /once/],
    ['dies of a failure', /goes on/],
    ['makes up an event', /without having had an event/],
    ['cuts the payload', /as they are/],
  ])('%s', async (flaw, about) => {
    const cases = sinkCases.filter(({ name }) => about.test(name));
    expect(cases.length).toBeGreaterThan(0);
    const results = await Promise.allSettled(cases.map((one) => SinkWorld.run(harness(flaw), one)));
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
  });
});
