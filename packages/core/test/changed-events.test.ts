import {
  type Admission,
  createTracker,
  type RequestHandle,
  type SessionTracker,
  toWire,
  type WireEvent,
} from '../src/index.js';
import { EVENT_NAMES, eventToWire } from '../src/spi.js';
import { fakeClock } from '../src/testing/index.js';

function stage(updateIntervalMs = 5_000) {
  const clock = fakeClock();
  const tracker = createTracker({ clock, updateIntervalMs, idleTimeoutMs: 3_600_000 });
  const heard: string[] = [];
  const listen = (name: 'changed' | 'updated') =>
    tracker.on(name, (event) => {
      const { stream, bytes } = 'progress' in event ? event.progress : event.session;
      heard.push(`${clock.now() - start} ${name} ${stream} ${bytes}`);
    });
  const start = clock.now();
  const hit = (stream: string) => tracker.trackHttp({ stream, protocol: 'hls', ip: '203.0.113.7', bytes: 1 });
  return { clock, tracker, heard, listen, hit };
}

it('reports a changed session at most twice a second, and `updated` no more often than usual', () => {
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

it.each(['changed', 'updated'] as const)('may be stopped by a listener of `%s`', async (name) => {
  const { clock, tracker, heard, listen, hit } = stage();
  listen(name);
  for (let i = 0; i < 2; i++) for (const stream of ['cam1', 'cam2']) hit(stream);
  let stopped: Promise<void> | undefined;
  tracker.on(name, () => void (stopped ??= tracker.stop()));
  clock.advance(10_000);
  await stopped;
  expect(heard).toEqual([expect.stringContaining('cam1')]);
});

it('may be listened to from a listener of `updated`: who was not reported yet is reported then', () => {
  const { clock, tracker, heard, listen, hit } = stage();
  listen('updated');
  for (let i = 0; i < 2; i++) for (const stream of ['cam1', 'cam2']) hit(stream);
  const off = tracker.on('updated', () => {
    off();
    listen('changed');
  });
  clock.advance(5_500);
  expect(heard).toEqual(['5000 updated cam1 2', '5500 changed cam2 2']);
});

it('reports many sessions in slices within half of its interval, none twice and none that has closed', () => {
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

it('makes an envelope of every event that has a name', () => {
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
});

it('reports only the figures that moved, and the whole session if anything else has changed', () => {
  const { clock, tracker, hit } = stage();
  const told: WireEvent[] = [];
  hit('cam1');
  const { id } = tracker.list()[0]!;
  tracker.on('changed', (event) => void told.push(eventToWire('changed', event, 'x')));
  const change = (what: () => unknown): Record<string, unknown> => {
    what();
    clock.advance(1_000);
    expect(tracker.get(id)).toBeDefined();
    return told.splice(0).at(-1)!.payload;
  };
  const admit = (protocol: string, sid?: string): RequestHandle => {
    const admission = tracker.admit({ stream: 'cam1', protocol, ip: '203.0.113.7', sid }) as Admission<RequestHandle>;
    if (!admission.admitted) throw new Error('refused');
    return admission.handle;
  };
  const touch = (): void => {
    const handle = admit('hls');
    handle.touch(5);
    handle.end();
  };
  change(touch);
  const moved = change(touch);
  expect(moved).toMatchObject({ id, bytes: 11, connections: 0 });
  expect(Object.keys(moved).sort()).toEqual(
    ['bytes', 'connections', 'duration_sec', 'id', 'opened_at', 'updated_at'].sort(),
  );
  const hitWith = (more: object) => () =>
    tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', ...more });
  expect(change(() => tracker.tag(id, { plan: 'gold' }))).toMatchObject({ id, tags: { plan: 'gold' } });
  expect(change(hitWith({ sid: 'x' }))).toMatchObject({ named_by: 'cmcd' });
  expect(change(hitWith({ sid: 'x', userAgent: 'VLC' }))).toMatchObject({ user_agent: 'VLC' });
  expect(change(hitWith({ sid: 'x', protocol: 'dash' }))).toMatchObject({ protos: ['hls', 'dash'] });
  expect(change(hitWith({ sid: 'x', protocol: 'dash', dvr: true }))).toMatchObject({ dvr: true });
  const report = (): void => admit('dash', 'x').report({ br: 3_000 });
  expect(change(report)).toMatchObject({ quality: { br: 3_000 } });
  // and every row is what the list has
  hitWith({ sid: 'x', protocol: 'hls' })();
  clock.advance(1_000);
  const { session_id: _id, duration_sec, proto_sec, ...row } = told.splice(0).at(-1)!.payload;
  expect([duration_sec, proto_sec]).toEqual([expect.any(Number), { hls: expect.any(Number), dash: 3 }]);
  expect(toWire(tracker.get(id)!)).toMatchObject(row);
});
