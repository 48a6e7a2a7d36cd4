import type { CloseReason, Policy, SessionTracker } from '../src/index.js';
import { connect, live, must, request, setup, settleAll, story, type Setup } from './support/make.js';

const ENDINGS: [CloseReason, (setup: Setup, id: string) => void | Promise<void>][] = [
  ['kicked', ({ tracker }, id) => void tracker.kick(id)],
  ['denied', ({ tracker }) => void tracker.deny({ stream: 'cam1' })],
  ['max_lifetime', ({ tracker, clock }) => (tracker.updateConfig({ maxLifetimeMs: 500 }), clock.advance(1_000))],
  ['idle', ({ clock }) => clock.advance(32_000)],
  ['shutdown', ({ tracker }) => tracker.stop()],
];

describe('onCut', () => {
  it('calls the method of an object as it would call a function', () => {
    const { tracker } = setup();
    const handle = connect(tracker);
    const { id } = must(handle.session);
    const transport = { heard: [] as CloseReason[], cut: (reason: CloseReason) => (transport.heard.push(reason), 7) };
    handle.onCut(transport);
    tracker.kick(id);
    expect([transport.heard, tracker.get(id)?.bytes]).toEqual([['kicked'], 7]);
    handle.onCut(transport);
    expect(transport.heard).toEqual(['kicked', 'kicked']);
  });

  it.each(ENDINGS)(
    'runs once, at once and before the event, when the tracker ends a connection: %s',
    async (reason, end) => {
      const all = setup();
      const { tracker } = all;
      const told = story(tracker);
      const handle = connect(tracker);
      const { id } = must(handle.session);
      const signal = handle.signal;
      handle.onCut((why) => {
        told.push(`cut ${why} ${signal.aborted}`);
        handle.touch(1_000_000);
        handle.close('client_gone', 1_000_000);
        return 7;
      });
      handle.touch(3);
      await end(all, id);
      expect(told.filter((line) => !line.startsWith('updated'))).toEqual([
        `opened ${id}`,
        `cut ${reason} false`,
        `closed ${id} ${reason} 10`,
      ]);
      expect([signal.aborted, signal.reason]).toEqual([true, reason]);
      expect(tracker.get(id)).toMatchObject({ bytes: 10, connections: 0, closeReason: reason });
      expect(tracker.stats()).toMatchObject({ active: 0, bytesTotal: 10 });
      await tracker.stop();
      expect(told.filter((line) => line.startsWith('cut'))).toHaveLength(1);
    },
  );

  it('runs for a quota and an expiry set by policies', () => {
    for (const [verdict, reason] of [
      [{ allow: false, reason: 'quota_data' }, 'quota_data'],
      [undefined, 'expired'],
    ] as const) {
      const { tracker, clock } = setup();
      const policy: Policy = {
        name: 'p',
        admit: () => ({ allow: true, ...(verdict ? {} : { expiresAt: clock.now() + 5_000 }) }),
        ...(verdict ? { deadline: () => ({ bytes: 100 }), review: () => verdict } : {}),
      };
      tracker.updateConfig({ policies: [policy] });
      const cuts: string[] = [];
      const handle = connect(tracker);
      handle.onCut((why) => void cuts.push(why));
      handle.touch(100);
      clock.advance(6_000);
      expect(cuts).toEqual([reason]);
    }
  });

  it('that throws does not stop the other cuts or the event', () => {
    const { tracker, logged } = setup({ identity: { mergeConnections: true } });
    const told = story(tracker);
    const handles = [1, 2, 3].map(() => connect(tracker, { token: 'a' }));
    handles[1]?.onCut(() => {
      throw new Error('socket');
    });
    handles[0]?.onCut(() => 1);
    handles[2]?.onCut(() => NaN);
    const { id } = must(handles[0]?.session);
    tracker.kick(id);
    expect(told.at(-1)).toBe(`closed ${id} kicked 1`);
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('runs at once when registered after the end, and its bytes no longer count', () => {
    const { tracker } = setup();
    const handle = request(tracker);
    const { id } = must(handle.session);
    tracker.kick(id);
    const cuts: string[] = [];
    handle.onCut((why) => (cuts.push(why), 1_000));
    expect(cuts).toEqual(['kicked']);
    expect([handle.signal.aborted, handle.signal.reason]).toEqual([true, 'kicked']);
    expect(tracker.get(id)?.bytes).toBe(0);
  });

  it('does not run for connections and requests that the transport ended itself', async () => {
    const { tracker } = setup();
    const cuts: string[] = [];
    const [connection, open] = [connect(tracker), request(tracker)];
    for (const handle of [connection, open]) handle.onCut((why) => void cuts.push(why));
    connection.close();
    open.end();
    for (const handle of [connection, open]) handle.onCut((why) => void cuts.push(why));
    await tracker.stop();
    expect(cuts).toEqual([]);
  });

  it('does not run when tracking is switched off: transports are left alone', async () => {
    const { tracker } = setup();
    const cuts: string[] = [];
    const told = story(tracker);
    const handle = connect(tracker);
    const { signal } = handle;
    handle.onCut((why) => void cuts.push(why));
    tracker.updateConfig({ enabled: false });
    await settleAll();
    handle.touch(5);
    handle.close();
    expect([cuts, signal.aborted]).toEqual([[], false]);
    expect(told.at(-1)).toMatch(/^closed .* shutdown 0$/);
    expect(live(tracker)).toEqual([]);
    tracker.updateConfig({ enabled: true });
    connect(tracker);
    expect(live(tracker)).toHaveLength(1);
  });

  it('runs for every one of thousands of connections when the tracker stops', async () => {
    const { tracker } = setup({ maxSessionsPerIp: 1e6 });
    let cuts = 0;
    for (let i = 0; i < 3_000; i++) connect(tracker).onCut(() => void cuts++);
    const stopped = tracker.stop();
    expect(cuts).toBeGreaterThan(0);
    await stopped;
    expect(cuts).toBe(3_000);
    expect(tracker.stats()).toMatchObject({ active: 0, closedTotal: 3_000 });
  });

  it('may use the tracker, which no longer has the session', () => {
    const { tracker } = setup();
    const handle = request(tracker, { token: 'a' });
    const { id } = must(handle.session);
    let seen: unknown[] = [];
    const look = (t: SessionTracker): unknown[] => [
      t.count({ status: 'active' }),
      t.kick(id),
      t.stats().active,
      t.streams(),
    ];
    handle.onCut(() => {
      seen = look(tracker);
      return 4;
    });
    tracker.kick(id);
    expect(seen).toEqual([0, false, 0, []]);
    expect(tracker.get(id)?.bytes).toBe(4);
    expect(tracker.stats()).toMatchObject({ closedTotal: 1, kickedTotal: 1 });
  });

  it('does not change the figures of a closed session', () => {
    const { tracker, clock } = setup();
    const handle = connect(tracker);
    clock.advance(5_000);
    tracker.kick(must(handle.session).id);
    const closedAt = clock.now();
    clock.advance(60_000);
    handle.touch(9);
    expect(handle.session).toMatchObject({ closedAt, durationMs: 5_000, bytes: 0 });
    clock.advance(3_600_000);
    expect(handle.session).toMatchObject({ closedAt, durationMs: 5_000 });
  });
});
