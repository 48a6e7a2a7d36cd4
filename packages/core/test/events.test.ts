import type { SessionEvent } from '../src/index.js';
import { conn, connect, eventsOf, hit, must, mayRequest, request, setup, settleAll, story } from './support/make.js';

describe('events', () => {
  it('leave after the change is made: frozen, numbered and with everything a consumer needs', () => {
    const { tracker, clock } = setup();
    const events: SessionEvent[] = [];
    const seen: unknown[] = [];
    for (const name of ['opened', 'closed'] as const) {
      tracker.on(name, (event) => {
        events.push(event);
        seen.push([name, tracker.get(event.session.id)?.closedAt, tracker.stats().active]);
      });
    }
    const handle = request(tracker, { token: 'a' });
    handle.end(5);
    clock.advance(1_000);
    tracker.kick(must(handle.session).id);
    expect(seen).toEqual([
      ['opened', undefined, 1],
      ['closed', clock.now(), 0],
    ]);
    expect(events.map(({ seq, occurredAt }) => [seq, occurredAt])).toEqual([
      [1, clock.now() - 1_000],
      [2, clock.now()],
    ]);
    expect(events[1]).toMatchObject({ reason: 'kicked', session: { bytes: 5, closeReason: 'kicked' } });
    expect(events[0]?.session.openedAt).toBe(events[1]?.session.openedAt);
  });

  it('cannot be changed by one listener for the next, nor in the list', () => {
    const { tracker } = setup();
    const { tracker: other } = setup({ identity: { viewer: ['token'] } });
    let checked = 0;
    const check = (event: SessionEvent): void => {
      const session = event.session as unknown as Record<string, unknown>;
      for (const change of [
        () => (session['bytes'] = 5),
        () => ((event as { seq: number }).seq = 5),
        () => (session['streams'] as string[]).push('x'),
        () => (session['protocols'] as string[]).push('x'),
        () => (session['ips'] as string[]).push('x'),
        () => ((session['tags'] as Record<string, string>)['x'] = 'y'),
      ]) {
        expect(change).toThrow(TypeError);
        checked++;
      }
    };
    for (const t of [tracker, other]) {
      t.on('closed', check);
      const { id } = must(t.trackHttp(hit({ token: 'a' })));
      t.trackHttp(hit({ token: 'a', protocol: 'dash', ip: '10.0.0.1' }));
      t.tag(id, { a: 'b' });
      for (const session of t.list({ status: 'active' })) t.kick(session.id);
    }
    expect(checked).toBe(18);
    expect([tracker, other].map((t) => t.list().map(({ bytes, streams }) => [bytes, streams.length]))).toEqual([
      [
        [0, 1],
        [0, 1],
      ],
      [[0, 1]],
    ]);
  });

  it('come in order for every listener: events that one causes follow the one it is handling', () => {
    const { tracker } = setup();
    const told: string[] = [];
    tracker.on('opened', ({ session }) => {
      told.push(`1 opened ${session.stream}`);
      if (session.stream === 'cam1') {
        tracker.trackHttp(hit({ stream: 'cam2' }));
        tracker.kick(session.id);
      }
      told.push(`1 done ${session.stream}`);
    });
    tracker.on('opened', ({ session, seq }) => told.push(`2 opened ${session.stream} ${seq}`));
    tracker.on('closed', ({ session, seq }) => told.push(`2 closed ${session.stream} ${seq}`));
    tracker.trackHttp(hit());
    expect(told).toEqual([
      '1 opened cam1',
      '1 done cam1',
      '2 opened cam1 1',
      '1 opened cam2',
      '1 done cam2',
      '2 opened cam2 2',
      '2 closed cam1 3',
    ]);
  });

  it('isolate and log a listener that throws or rejects', async () => {
    const { tracker, logged } = setup();
    const heard: string[] = [];
    tracker.on('opened', () => {
      throw new Error('sync');
    });
    tracker.on('opened', async () => {
      await Promise.resolve();
      throw new Error('async');
    });
    tracker.on('opened', ({ session }) => heard.push(session.id));
    expect(tracker.trackHttp(hit())).not.toBeNull();
    expect(heard).toHaveLength(1);
    await settleAll();
    expect(logged.map(({ level, details }) => [level, (details['err'] as Error).message])).toEqual([
      ['error', 'sync'],
      ['error', 'async'],
    ]);
  });

  it('stop when unsubscribed, each subscription for itself', () => {
    const { tracker } = setup();
    const listener = jest.fn();
    const [first, second] = [tracker.on('opened', listener), tracker.on('opened', listener)];
    tracker.trackHttp(hit({ token: 'a' }));
    first();
    first();
    tracker.trackHttp(hit({ token: 'b' }));
    second();
    tracker.trackHttp(hit({ token: 'c' }));
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('refuses to listen to what does not exist', () => {
    const { tracker } = setup();
    expect(() => tracker.on('open' as 'opened', () => undefined)).toThrow(/opened/);
    expect(() => tracker.addSink({ name: 'x' } as never)).toThrow(/write/);
  });
});

describe('attached', () => {
  it('has the live sessions when a listener is added, once, for that listener alone', () => {
    const { tracker, clock } = setup();
    const a = connect(tracker);
    clock.advance(1);
    const b = connect(tracker, { stream: 'cam2' });
    connect(tracker).close();
    const heard: string[][] = [];
    const listen = () => tracker.on('attached', ({ sessions }) => void heard.push([...sessions].map(({ id }) => id)));
    listen()();
    connect(tracker).close();
    b.close();
    listen();
    expect(heard).toEqual([[a.session?.id, b.session?.id], [a.session?.id]]);
  });

  it('counts the viewers of the stream in opened and closed', () => {
    const { tracker } = setup();
    const counts: number[] = [];
    tracker.on('opened', ({ viewers }) => counts.push(viewers));
    tracker.on('closed', ({ viewers }) => counts.push(viewers));
    const first = connect(tracker);
    connect(tracker, { stream: 'cam2' });
    connect(tracker, { kind: 'input' });
    const second = connect(tracker);
    first.close();
    second.close();
    expect(counts).toEqual([1, 1, 1, 2, 1, 0]);
  });
});

describe('updated', () => {
  it('is emitted once per interval for each session that has changed', () => {
    const { tracker, clock } = setup();
    const told = story(tracker);
    const { id } = must(tracker.trackHttp(hit({ bytes: 1 })));
    for (let i = 0; i < 12; i++) {
      clock.advance(1_000);
      tracker.trackHttp(hit({ bytes: 1 }));
    }
    expect(told).toEqual([`opened ${id}`, `updated ${id} 6`, `updated ${id} 11`]);
  });

  it('is not emitted when nothing happens, nor for a touch without bytes', () => {
    const { tracker, clock } = setup();
    const updated = eventsOf(tracker, 'updated');
    const handle = connect(tracker);
    for (let i = 0; i < 20; i++) {
      clock.advance(1_000);
      handle.touch();
    }
    expect(updated).toEqual([]);
    handle.touch(1);
    handle.touch(1);
    expect(updated).toEqual([]);
    clock.advance(5_000);
    expect(updated.map(({ session }) => session.bytes)).toEqual([2]);
    handle.addReceived(3);
    clock.advance(5_000);
    expect(updated.map(({ session }) => session.bytesReceived)).toEqual([0, 3]);
  });

  it.each<[string, (handle: ReturnType<typeof connect>) => void]>([
    ['tags', (handle) => handle.tag({ a: 'b' })],
    ['what its player reports', (handle) => handle.report({ bitrateKbps: 1 })],
  ])('is made for %s', (_, change) => {
    const { tracker, clock } = setup();
    const updated = eventsOf(tracker, 'updated');
    change(connect(tracker));
    clock.advance(5_000);
    expect(updated).toHaveLength(1);
  });

  it('is never emitted for a closed session', () => {
    const { tracker, clock } = setup();
    const told = story(tracker);
    const handle = connect(tracker);
    handle.touch(1);
    handle.close();
    clock.advance(5_000);
    expect(told).toEqual([expect.stringMatching(/^opened/), expect.stringMatching(/^closed/)]);
  });

  it('is never emitted with interval 0, and follows a changed interval', () => {
    const { tracker, clock } = setup({ updateIntervalMs: 0 });
    const updated = eventsOf(tracker, 'updated');
    for (let i = 0; i < 5; i++) {
      clock.advance(10_000);
      tracker.trackHttp(hit({ bytes: 1 }));
    }
    expect(updated).toHaveLength(0);
    tracker.updateConfig({ updateIntervalMs: 1_000 });
    clock.advance(1_000);
    tracker.trackHttp(hit({ bytes: 1 }));
    clock.advance(1_000);
    expect(updated).toHaveLength(1);
  });

  it('uses up no sequence number while nobody listens', () => {
    const { tracker, clock } = setup();
    const opened = eventsOf(tracker, 'opened');
    for (const token of ['a', 'b']) {
      tracker.trackHttp(hit({ token }));
      clock.advance(10_000);
      tracker.trackHttp(hit({ token, bytes: 1 }));
    }
    expect(opened.map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('denied', () => {
  it('says who was refused, once per denial', () => {
    const { tracker } = setup();
    const denied = eventsOf(tracker, 'denied');
    const denial = tracker.deny({ ip: '203.0.113.7' });
    for (let i = 0; i < 3; i++) mayRequest(tracker, { stream: `cam${i}` });
    tracker.openConn(conn());
    expect(denied).toHaveLength(1);
    expect(denied[0]).toMatchObject({ seq: 1, stream: 'cam0', protocol: 'hls', kind: 'viewer', ip: '203.0.113.7' });
    expect(denied[0]?.denial.id).toBe(denial.id);
    expect(tracker.stats().deniedTotal).toBe(4);
  });

  it('for a cap is emitted once a second, however many are refused', () => {
    const { tracker, clock } = setup({ maxSessions: 0, onOverload: 'deny' });
    const denied = eventsOf(tracker, 'denied');
    for (let i = 0; i < 25; i++) {
      mayRequest(tracker, { token: `t${i}` });
      clock.advance(100);
    }
    expect(denied.length).toBe(3);
  });
});
