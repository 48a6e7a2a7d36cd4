import { createTracker, type SessionTracker, type WireEvent } from '../src/index.js';
import { EVENT_NAMES, eventToWire } from '../src/spi.js';
import { fakeClock } from '../src/testing/index.js';

function stage(updateIntervalMs = 5_000) {
  const clock = fakeClock();
  const tracker = createTracker({ clock, updateIntervalMs, idleTimeoutMs: 3_600_000 });
  const heard: string[] = [];
  const listen = (name: 'changed' | 'updated') =>
    tracker.on(
      name,
      ({ session }) => void heard.push(`${clock.now() - start} ${name} ${session.stream} ${session.bytes}`),
    );
  const start = clock.now();
  const hit = (stream: string) => tracker.trackHttp({ stream, protocol: 'hls', ip: '203.0.113.7', bytes: 1 });
  return { clock, tracker, heard, listen, hit };
}

it('tells of a changed session twice a second at the most, and no faster of `updated`', () => {
  const { clock, heard, listen, hit } = stage();
  hit('cam1');
  listen('changed');
  listen('updated');
  for (let ms = 0; ms < 6_000; ms += 100) {
    hit('cam1');
    clock.advance(100);
  }
  expect(heard.filter((line) => line.includes('changed')).length).toBe(12);
  expect(heard.slice(0, 2)).toEqual(['500 changed cam1 6', '1000 changed cam1 11']);
  expect(heard.filter((line) => line.includes('updated'))).toEqual(['5500 updated cam1 56']);
});

it('does not wait for the interval of `updated` that has begun', () => {
  const { clock, heard, listen, hit } = stage();
  listen('updated');
  hit('cam1');
  hit('cam1');
  clock.advance(1_000);
  const off = listen('changed');
  clock.advance(500);
  expect(heard).toEqual(['1500 changed cam1 2']);
  off();
  clock.advance(5_000);
  expect(heard.slice(1)).toEqual(['6500 updated cam1 2']);
});

it('works while `updated` is off, and leaves sinks and seq alone', async () => {
  const { clock, tracker, heard, listen, hit } = stage(0);
  const written: WireEvent[] = [];
  tracker.addSink({ name: 'all', write: (batch) => void written.push(...batch) });
  listen('changed');
  hit('cam1');
  hit('cam1');
  clock.advance(10_000);
  expect(heard).toEqual(['500 changed cam1 2']);
  await tracker.stop();
  expect(written.map(({ type, seq }) => `${type} ${seq}`)).toEqual(['session.opened 1', 'session.closed 2']);
});

it('tells of many in slices within half of its interval, none twice and none that has closed', () => {
  const { clock, tracker, heard, listen, hit } = stage();
  for (let i = 0; i < 1_000; i++) hit(`cam${i}`);
  listen('changed');
  for (let i = 0; i < 1_000; i++) hit(`cam${i}`);
  clock.advance(500);
  expect(heard).toHaveLength(256);
  tracker.kickAll({ stream: 'cam999' });
  clock.advance(250);
  expect(new Set(heard).size).toBe(999);
  expect(heard).toHaveLength(999);
  clock.advance(5_000);
  expect(heard).toHaveLength(999);
});

it('makes envelopes of all that one can listen to', () => {
  const { clock, tracker, hit } = stage();
  const types: string[] = [];
  const listen = <E extends (typeof EVENT_NAMES)[number]>(name: E, from: SessionTracker) =>
    from.on(name, (event) => void types.push(`${name} ${eventToWire(name, event as never, 'x').type}`));
  for (const name of EVENT_NAMES) listen(name, tracker);
  hit('cam1');
  hit('cam1');
  clock.advance(6_000);
  tracker.announceSource('cam1', 'running');
  tracker.kick(tracker.list()[0]!.id);
  hit('cam1');
  expect(types).toEqual([
    'opened session.opened',
    'changed session.updated',
    'updated session.updated',
    'source source.running',
    'closed session.closed',
    'denied session.denied',
  ]);
  const whole = eventToWire('changed', { seq: 1, occurredAt: 0, session: tracker.list({ status: 'closed' })[0]! }, 'x');
  expect(whole.payload).toMatchObject({
    session_id: expect.any(String),
    stream_code: 'cam1',
    user_name: expect.any(String),
  });
});
