import type { Policy } from '../src/index.js';
import { conn, connect, deferred, hit, mayRequest, now, pending, refusal, request, setup } from './support/make.js';

describe('the counters of stats()', () => {
  it('count live sessions by stream, protocol and kind, by the protocol used last', () => {
    const { tracker } = setup();
    tracker.trackHttp(hit({ token: 'a' }));
    tracker.trackHttp(hit({ token: 'b' }));
    tracker.trackHttp(hit({ token: 'b', protocol: 'dash' }));
    connect(tracker, { kind: 'input' });
    expect(tracker.stats().activeBy).toEqual([
      { stream: 'cam1', protocol: 'hls', kind: 'viewer', active: 1 },
      { stream: 'cam1', protocol: 'dash', kind: 'viewer', active: 1 },
      { stream: 'cam1', protocol: 'rtmp', kind: 'input', active: 1 },
    ]);
    tracker.kickAll({ stream: 'cam1' });
    expect(tracker.stats().activeBy).toEqual([]);
  });

  it('count a viewer of several streams on each of them', () => {
    const { tracker } = setup({ identity: { viewer: ['ip', 'token'] } });
    tracker.trackHttp(hit());
    tracker.trackHttp(hit({ stream: 'cam2' }));
    tracker.trackHttp(hit({ stream: 'cam2', protocol: 'dash' }));
    const cell = { protocol: 'dash', kind: 'viewer', active: 1 };
    expect(tracker.stats().activeBy).toEqual([
      { stream: 'cam1', ...cell },
      { stream: 'cam2', ...cell },
    ]);
  });

  it('count watch time up to the last activity, and never less than before', () => {
    const { tracker, clock } = setup();
    const handle = connect(tracker);
    clock.advance(4_000);
    expect(tracker.stats().watchSecondsTotal).toBe(0);
    handle.touch(1_000);
    expect(tracker.stats().watchSecondsTotal).toBe(4);
    clock.jump(-60_000);
    handle.touch(1_000);
    expect(tracker.stats().watchSecondsTotal).toBe(4);
    clock.advance(2_000);
    handle.close();
    expect(tracker.stats().watchSecondsTotal).toBe(6);
  });

  it('do not count the time of a session that was never served', () => {
    const { tracker, clock } = setup();
    const made = request(tracker, { tentative: true });
    clock.advance(5_000);
    made.end();
    expect(tracker.stats()).toMatchObject({ openedTotal: 0, watchSecondsTotal: 0, closedByReason: {} });
    const served = request(tracker, { tentative: true });
    clock.advance(5_000);
    served.served();
    served.touch(10);
    expect(tracker.stats()).toMatchObject({ openedTotal: 1, watchSecondsTotal: 5 });
  });

  it('count bytes of both directions', () => {
    const { tracker } = setup();
    const handle = connect(tracker, { kind: 'input' });
    handle.addReceived(500);
    handle.touch(20);
    expect(tracker.stats()).toMatchObject({ bytesTotal: 20, receivedBytesTotal: 500 });
  });

  it('count closed and refused ones by reason, 32 made-up words and the rest as other', () => {
    const { tracker } = setup({ maxDenials: 0 });
    for (let i = 0; i < 40; i++) connect(tracker).close(`made up ${i}`);
    connect(tracker).close('client_gone');
    connect(tracker).close('made up 3');
    const { closedByReason } = tracker.stats();
    expect(Object.keys(closedByReason)).toHaveLength(34);
    expect(closedByReason).toMatchObject({ other: 8, client_gone: 1, 'made up 3': 2, 'made up 31': 1 });

    const reasons = ['limit', 'not today', 'not today', 'limit', 'limit'];
    tracker.updateConfig({
      policies: [{ name: 'no', admit: () => ({ allow: false, reason: reasons.pop() ?? 'limit' }) }],
    });
    for (let i = 0; i < 5; i++) expect(refusal(now(tracker.admit(conn())))).toBeDefined();
    expect(tracker.stats().deniedByReason).toEqual({ limit: 3, 'not today': 2 });
  });

  it('count how long each policy takes, by a monotonic clock', async () => {
    const { promise, resolve } = deferred<undefined>();
    const slow: Policy = { name: 'slow', admit: () => promise.then(() => ({ allow: true })) };
    const quick: Policy = { name: 'quick', admit: () => ({ allow: true }) };
    const { tracker, clock } = setup({ policies: [quick, slow] });
    expect(tracker.stats().policies).toEqual([
      { name: 'quick', asked: 0, seconds: 0 },
      { name: 'slow', asked: 0, seconds: 0 },
    ]);
    const admission = pending(tracker.admit(hit()));
    clock.advance(3_000);
    clock.jump(-3_600_000);
    resolve(undefined);
    await admission;
    expect(tracker.stats().policies).toEqual([
      { name: 'quick', asked: 1, seconds: 0 },
      { name: 'slow', asked: 1, seconds: 3 },
    ]);
    tracker.updateConfig({ policies: [quick] });
    expect(tracker.stats().policies).toEqual([{ name: 'quick', asked: 1, seconds: 0 }]);
    expect(mayRequest(tracker, { token: 'other' })).toBe(true);
  });
});
