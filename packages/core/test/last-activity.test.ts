import { connect, hit, must, request, setup } from './support/make.js';

describe('a connection that is closed at its last activity', () => {
  it('has watch time until then', () => {
    const { tracker, clock } = setup();
    const handle = connect(tracker);
    const { id, openedAt } = must(handle.session);
    clock.advance(10_000);
    handle.touch(500);
    clock.advance(20_000);
    handle.close('client_gone', 20, { at: openedAt + 10_000 });
    expect(tracker.get(id)).toMatchObject({ durationMs: 10_000, bytes: 520, closedAt: openedAt + 30_000 });
    expect(tracker.stats().watchSecondsTotal).toBe(10);
  });

  it.each([
    ['before what was seen of it since', 2_000, 10_000],
    ['in the future', 1e9, 30_000],
    ['at no time', NaN, 30_000],
  ])('is not closed %s', (_, after, durationMs) => {
    const { tracker, clock } = setup();
    const handle = connect(tracker);
    const { id, openedAt } = must(handle.session);
    clock.advance(10_000);
    handle.touch(500);
    clock.advance(20_000);
    handle.close('client_gone', 0, { at: openedAt + after });
    expect(tracker.get(id)).toMatchObject({ durationMs });
  });

  it('leaves the other connections of its session alone', () => {
    const { tracker, clock } = setup({ identity: { mergeConnections: true } });
    const [one, other] = [connect(tracker, { token: 'a' }), connect(tracker, { token: 'a' })];
    clock.advance(5_000);
    one.close('client_gone', 0, { at: clock.now() - 4_000 });
    expect(tracker.count({ status: 'active' })).toBe(1);
    clock.advance(1_000);
    other.close();
    expect(tracker.list()).toMatchObject([{ durationMs: 6_000 }]);
  });
});

describe('keeps it longer than its protocol would, and watch time ends with the last such hit', () => {
  it('does so for longer than its protocol would, and watch time ends with it', () => {
    const { tracker, clock } = setup({ idleTimeoutMs: 30_000 });
    const beat = () => must(tracker.trackHttp(hit({ keepMs: 60_000 })));
    const { id, openedAt } = beat();
    clock.advance(50_000);
    beat();
    expect(tracker.explain(id)).toMatchObject({ idleAt: openedAt + 110_000 });
    clock.advance(60_000);
    tracker.sweep();
    expect(tracker.count({ status: 'active' })).toBe(1);
    clock.advance(1_000);
    tracker.sweep();
    expect(tracker.get(id)).toMatchObject({ closeReason: 'idle', durationMs: 50_000 });
  });

  it('never shortens the timeout of the protocol, nor that of an earlier hit', () => {
    const { tracker, clock } = setup({ idleTimeoutMs: 30_000 });
    tracker.trackHttp(hit({ keepMs: 90_000 }));
    tracker.trackHttp(hit({ keepMs: 1_000 }));
    clock.advance(90_000);
    tracker.sweep();
    expect(tracker.count({ status: 'active' })).toBe(1);
    tracker.trackHttp(hit({ keepMs: 1 }));
    clock.advance(30_000);
    tracker.sweep();
    expect(tracker.count({ status: 'active' })).toBe(1);
    clock.advance(1_000);
    tracker.sweep();
    expect(tracker.count({ status: 'active' })).toBe(0);
  });

  it('keeps it for a limited time, and only if the value is a valid number', () => {
    const { tracker, clock } = setup();
    tracker.trackHttp(hit({ keepMs: Infinity }));
    clock.advance(24 * 3_600_000 + 1_000);
    tracker.sweep();
    expect(tracker.count({ status: 'active' })).toBe(0);
    const bad = { keepMs: '60' as unknown as number };
    expect(() => tracker.trackHttp(hit(bad))).toThrow('"keepMs" must be a number of milliseconds');
  });

  it('keeps a merged session behind its last connection', () => {
    const { tracker, clock } = setup({ identity: { mergeConnections: true } });
    const conn = connect(tracker, { token: 'a', protocol: 'hls' });
    request(tracker, { token: 'a', keepMs: 60_000 }).end();
    clock.advance(50_000);
    conn.close();
    expect(tracker.count({ status: 'active' })).toBe(1);
  });

  it('keeps a silent connection, but not after it was closed', () => {
    const { tracker, clock } = setup({ idleTimeoutMs: 30_000 });
    const conn = connect(tracker, { keepMs: 90_000 });
    clock.advance(60_000);
    tracker.sweep();
    expect(tracker.count({ status: 'active' })).toBe(1);
    conn.close();
    expect(tracker.list()).toMatchObject([{ closeReason: 'client_gone' }]);
  });

  it('does not protect it from a kick', () => {
    const { tracker } = setup();
    const { id } = must(tracker.trackHttp(hit({ keepMs: 60_000 })));
    expect(tracker.kick(id)).toBe(true);
  });
});
