import { fakeClock } from '../src/testing/index.js';
import { conn, connect, eventsOf, hit, live, must, now, request, setup, story } from './support/make.js';

describe('idle', () => {
  it('means strictly longer than the timeout, at a sweep', () => {
    const { tracker, clock } = setup({ autoStart: false });
    const { id } = must(tracker.trackHttp(hit()));
    clock.advance(30_000);
    tracker.sweep();
    expect(tracker.get(id)?.closedAt).toBeUndefined();
    clock.advance(1);
    expect(tracker.get(id)?.closedAt).toBeUndefined();
    tracker.sweep();
    expect(tracker.get(id)).toMatchObject({ closeReason: 'idle', closedAt: clock.now(), durationMs: 0 });
  });

  it('is checked every second, and a hit before the sweep keeps the session', () => {
    const { tracker, clock } = setup({ idleTimeoutMs: 10_000 });
    const { id } = must(tracker.trackHttp(hit()));
    clock.advance(10_500);
    tracker.trackHttp(hit());
    clock.advance(10_000);
    expect(tracker.get(id)?.closedAt).toBeUndefined();
    clock.advance(1_500);
    expect(tracker.get(id)).toMatchObject({ closeReason: 'idle', durationMs: 10_500 });
    expect(tracker.stats()).toMatchObject({ idleClosedTotal: 1, closedTotal: 1 });
  });

  it('is not delayed by reading the list', () => {
    const { tracker, clock } = setup();
    const { id } = must(tracker.trackHttp(hit()));
    for (let i = 0; i < 31; i++) {
      clock.advance(1_000);
      tracker.get(id);
      tracker.list();
      tracker.explain(id);
      tracker.tag(id, { a: 'b' });
    }
    expect(tracker.get(id)?.closeReason).toBe('idle');
  });

  it('has a timeout per protocol, the longest of those the session used', () => {
    const { tracker, clock } = setup({ idleTimeoutMs: { hls: 5_000, dash: 20_000, default: 10_000 } });
    tracker.trackHttp(hit({ token: 'hls' }));
    tracker.trackHttp(hit({ token: 'both' }));
    tracker.trackHttp(hit({ token: 'both', protocol: 'dash' }));
    tracker.trackHttp(hit({ token: 'both' }));
    tracker.trackHttp(hit({ token: 'other', protocol: 'constructor' }));
    const alive: number[] = [];
    for (let i = 0; i < 22; i++) {
      clock.advance(1_000);
      alive.push(live(tracker).length);
    }
    expect([alive.indexOf(2) + 1, alive.indexOf(1) + 1, alive.indexOf(0) + 1]).toEqual([6, 11, 21]);
  });

  it('has a timeout of 30 s for a protocol without an entry', () => {
    const { tracker, clock } = setup({ idleTimeoutMs: { hls: 5_000 } });
    tracker.trackHttp(hit({ protocol: 'dash' }));
    clock.advance(30_000);
    expect(live(tracker)).toHaveLength(1);
    clock.advance(1_000);
    expect(live(tracker)).toHaveLength(0);
  });

  it('follows a changed timeout at the next sweep, shorter or longer', () => {
    const { tracker, clock } = setup();
    tracker.trackHttp(hit());
    clock.advance(6_000);
    tracker.updateConfig({ idleTimeoutMs: 5_000 });
    expect(live(tracker)).toHaveLength(1);
    clock.advance(1_000);
    expect(live(tracker)).toHaveLength(0);
    tracker.trackHttp(hit());
    tracker.updateConfig({ idleTimeoutMs: 3_600_000 });
    clock.advance(3_600_000);
    expect(live(tracker)).toHaveLength(1);
    clock.advance(1_000);
    expect(live(tracker)).toHaveLength(0);
  });
});

describe('an open connection', () => {
  it('stays while it is touched, even with 0 bytes, and is cut as idle when it is not', () => {
    const { tracker, clock } = setup();
    const handle = connect(tracker);
    const cuts: string[] = [];
    handle.onCut((reason) => void cuts.push(reason));
    for (let i = 0; i < 100; i++) {
      clock.advance(25_000);
      handle.touch();
    }
    expect(live(tracker)).toHaveLength(1);
    clock.advance(31_000);
    expect(cuts).toEqual(['idle']);
    expect(handle.session).toMatchObject({ closeReason: 'idle', durationMs: 2_500_000 });
  });
});

describe('a request in flight', () => {
  it('is not idle, however quiet, until its client took nothing for the stall timeout', () => {
    const { tracker, clock } = setup();
    const handle = request(tracker);
    const cuts: string[] = [];
    handle.onCut((reason) => void cuts.push(reason));
    clock.advance(300_000);
    expect(live(tracker)).toHaveLength(1);
    clock.advance(1_500);
    expect(cuts).toEqual(['stalled']);
    expect(handle.session).toMatchObject({ closeReason: 'stalled' });
  });

  it('never stalls with stallTimeoutMs 0, nor while it is touched', () => {
    const { tracker, clock } = setup({ stallTimeoutMs: 0 });
    request(tracker, { token: 'a' });
    clock.advance(7_200_000);
    expect(live(tracker)).toHaveLength(1);
    tracker.updateConfig({ stallTimeoutMs: 10_000 });
    const touched = request(tracker, { token: 'b' });
    for (let i = 0; i < 20; i++) {
      clock.advance(5_000);
      touched.touch(1);
    }
    expect(live(tracker).map(({ bytes }) => bytes)).toEqual([20]);
  });

  it('is cut alone when its viewer has other requests in progress', () => {
    const { tracker, clock } = setup({ stallTimeoutMs: 60_000 });
    const stuck = request(tracker);
    const cuts: string[] = [];
    stuck.onCut((reason) => (cuts.push(reason), 9));
    for (let i = 0; i < 30; i++) {
      clock.advance(4_000);
      request(tracker).end(1);
    }
    expect(cuts).toEqual(['stalled']);
    expect(live(tracker)).toMatchObject([{ bytes: 39, closedAt: undefined }]);
  });

  it('stalls within a second of a stall timeout that is shorter than the idle timeout', () => {
    const { tracker, clock } = setup({ stallTimeoutMs: 5_000 });
    clock.advance(0);
    request(tracker).end();
    clock.advance(2_000);
    const stuck = request(tracker);
    const cuts: number[] = [];
    const from = clock.now();
    stuck.onCut(() => void cuts.push(clock.now() - from));
    clock.advance(10_000);
    expect(cuts[0]).toBeGreaterThan(5_000);
    expect(cuts[0]).toBeLessThanOrEqual(6_500);
  });

  it('starts the idle time when it ends', () => {
    const { tracker, clock } = setup();
    const handle = request(tracker);
    clock.advance(100_000);
    handle.end(5);
    clock.advance(30_000);
    expect(live(tracker)).toHaveLength(1);
    clock.advance(1_000);
    expect(tracker.list()).toMatchObject([{ closeReason: 'idle', durationMs: 100_000, bytes: 5 }]);
  });
});

describe('max lifetime', () => {
  it('closes and cuts a session, idle or not, and denies nothing', () => {
    const { tracker, clock } = setup({ maxLifetimeMs: 60_000 });
    const handle = connect(tracker);
    const cuts: string[] = [];
    handle.onCut((reason) => void cuts.push(reason));
    for (let i = 0; i < 6; i++) {
      clock.advance(10_000);
      handle.touch(1);
    }
    clock.advance(1_000);
    expect(cuts).toEqual(['max_lifetime']);
    expect(tracker.denials()).toEqual([]);
    expect(now(tracker.admit(conn())).admitted).toBe(true);
  });

  it('can be changed while running', () => {
    const { tracker, clock } = setup();
    const handle = connect(tracker);
    clock.advance(20_000);
    handle.touch();
    tracker.updateConfig({ maxLifetimeMs: 10_000 });
    clock.advance(1_000);
    expect(handle.session?.closeReason).toBe('max_lifetime');
  });
});

describe('sweeps', () => {
  it('close thousands that go idle together, in slices between 0 ms timers, and miss none', () => {
    const { tracker, clock } = setup({ maxSessionsPerIp: 1e6, closedRetentionMax: 0 });
    const closed = eventsOf(tracker, 'closed');
    for (let i = 0; i < 10_000; i++) tracker.trackHttp(hit({ token: `t${i}` }));
    clock.jump(31_000);
    tracker.sweep();
    expect(closed.length).toBeGreaterThan(0);
    expect(closed.length).toBeLessThanOrEqual(2_048);
    clock.advance(0);
    expect(closed).toHaveLength(10_000);
    expect(new Set(closed.map(({ session }) => session.id)).size).toBe(10_000);
    expect(tracker.stats()).toMatchObject({ active: 0, idleClosedTotal: 10_000 });
  });

  it('come to an end although thousands of sessions are due at the same moment', () => {
    const { tracker, clock } = setup({ maxSessionsPerIp: 1e6 });
    for (let i = 0; i < 5_000; i++) tracker.trackHttp(hit({ token: `t${i}` }));
    clock.advance(30_000);
    expect(live(tracker)).toHaveLength(5_000);
    clock.advance(1_000);
    expect(live(tracker)).toHaveLength(0);
  });

  it('start with the first session, or when told', () => {
    const { tracker, clock } = setup();
    expect(clock.pending).toBe(0);
    tracker.trackHttp(hit());
    expect(clock.pending).toBe(1);
    const manual = setup({ autoStart: false });
    manual.tracker.trackHttp(hit());
    expect(manual.clock.pending).toBe(0);
    manual.tracker.start();
    manual.tracker.start();
    expect(manual.clock.pending).toBe(1);
    manual.clock.advance(32_000);
    expect(live(manual.tracker)).toHaveLength(0);
  });

  it('close sessions that became idle while the machine slept', () => {
    const { tracker, clock } = setup();
    const told = story(tracker);
    tracker.trackHttp(hit());
    clock.jump(86_400_000);
    clock.advance(1_000);
    expect(told.at(-1)).toMatch(/idle/);
    expect(tracker.list()).toMatchObject([{ durationMs: 0 }]);
  });

  it('close nobody whose silence is only that of a clock that was set forward', () => {
    const clock = fakeClock();
    const sinceBoot = () => ({ boot: 'this one', ms: clock.monotonic?.() ?? 0 });
    const { tracker } = setup({ clock: { ...clock, sinceBoot }, stallTimeoutMs: 15_000 });
    const gone = must(tracker.trackHttp(hit({ token: 'gone' })));
    const handles = [connect(tracker, { token: 'connected' }), request(tracker, { token: 'downloads' })];
    clock.advance(5_000);
    clock.jump(3_600_000);
    for (let second = 1; second <= 40; second++) {
      clock.advance(1_000);
      if (second % 10 === 5) for (const handle of handles) handle.touch(1);
      if (second === 29) expect(live(tracker)).toHaveLength(3);
    }
    expect(
      live(tracker)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(handles.map(({ session }) => session?.id).sort());
    expect(tracker.get(gone.id)).toMatchObject({ closeReason: 'idle', durationMs: 0 });
  });

  it.each([10_000, 3_600_000, 40 * 86_400_000])('keep closing on time after the clock was set back by %d ms', (ms) => {
    const { tracker, clock } = setup();
    tracker.trackHttp(hit({ token: 'gone' }));
    const handle = connect(tracker, { token: 'here' });
    clock.advance(10_000);
    clock.jump(-ms);
    for (let i = 0; i < 40; i++) {
      clock.advance(1_000);
      handle.touch(1);
    }
    expect(live(tracker)).toMatchObject([{ bytes: 40 }]);
    const [session] = live(tracker);
    expect(session?.updatedAt).toBe(clock.now());
    expect(session?.durationMs).toBeGreaterThanOrEqual(0);
    for (const visit of tracker.list({ status: 'closed' })) expect(visit.durationMs).toBe(0);
  });
});
