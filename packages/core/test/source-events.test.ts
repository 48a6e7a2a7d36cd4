import { createTracker, type SourceEvent, type WireEvent } from '../src/index.js';
import { fakeClock } from '../src/testing/index.js';

const silent = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };

it('the tracker tells listeners and sinks what became of a source, in order with the sessions', async () => {
  const clock = fakeClock();
  const tracker = createTracker({ clock, logger: silent });
  const heard: SourceEvent[] = [];
  const written: WireEvent[] = [];
  const off = tracker.on('source', (event) => void heard.push(event));
  tracker.addSink({ name: 'all', write: (batch) => void written.push(...batch) });
  tracker.announceSource('cam1', 'waking');
  tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7' });
  tracker.announceSource('cam1', 'failed', 'x'.repeat(2_000));
  off();
  tracker.announceSource('cam1', 'hibernated');
  expect(heard).toEqual([
    { seq: 1, occurredAt: clock.now(), stream: 'cam1', change: 'waking', detail: undefined },
    { seq: 3, occurredAt: clock.now(), stream: 'cam1', change: 'failed', detail: 'x'.repeat(1_024) },
  ]);
  await tracker.stop();
  const types = ['source.waking', 'session.opened', 'source.failed', 'source.hibernated', 'session.closed'];
  expect(written.map(({ type }) => type)).toEqual(types);
  expect(written[2]).toMatchObject({ stream_code: 'cam1', seq: 3, payload: { detail: 'x'.repeat(1_024) } });
  expect(written[0]?.payload).toEqual({});
});

it('the tracker keeps the pairs of sessions, and the latest events of sources, for a slow sink', async () => {
  const tracker = createTracker({ logger: silent });
  const written: WireEvent[] = [];
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  tracker.addSink({
    name: 'slow',
    write: async (batch) => {
      await held;
      written.push(...batch);
    },
  });
  tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7' });
  for (let n = 0; n < 10_010; n++) tracker.announceSource('cam1', n % 2 === 0 ? 'waking' : 'failed', String(n));
  release();
  await tracker.stop();
  expect(written.filter(({ type }) => type.startsWith('session.'))).toHaveLength(2);
  const sources = written.filter(({ type }) => type.startsWith('source.'));
  expect(sources).toHaveLength(10_000);
  expect(sources.at(-1)?.payload).toEqual({ detail: '10009' });
});
