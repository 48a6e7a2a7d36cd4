import { createTracker, type Policy } from '../src/index.js';
import { fakeClock } from '../src/testing/index.js';

describe('the expiry of a yes', () => {
  it('set by one policy is not postponed by another', async () => {
    const clock = fakeClock();
    const start = clock.now();
    const card: Policy = { name: 'card', admit: () => ({ allow: true, expiresAt: start + 10_000 }) };
    const daily: Policy = {
      name: 'daily',
      admit: () => ({ allow: true, expiresAt: start + 5_000 }),
      deadline: (session) => ({ at: session.openedAt + 3_000 }),
      review: () => ({ allow: true, expiresAt: start + 60_000 }),
    };
    const tracker = createTracker({ clock, policies: [card, daily] });
    const admission = tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:1000' });
    if ('then' in admission || !admission.admitted) throw new Error('not let in at once');
    const { handle } = admission;
    for (let second = 0; second < 9; second++) {
      clock.advance(1_000);
      handle.touch(1);
    }
    expect(handle.session?.closeReason).toBeUndefined();
    expect(tracker.explain(handle.session?.id ?? '')?.expiresAt).toBe(start + 10_000);
    clock.advance(1_000);
    expect(handle.session?.closeReason).toBe('expired');
    await tracker.stop();
  });
});

describe('a session that expires between two sweeps', () => {
  const ending = (at: number): Policy => ({ name: 'ends', admit: () => ({ allow: true, expiresAt: at }) });

  it.each([2_300, 2_999, 3_000, 45_700, 700_500])('closes on time, not at the next sweep: after %i ms', async (ms) => {
    const clock = fakeClock();
    const end = clock.now() + ms;
    const tracker = createTracker({ clock, policies: [ending(end)], idleTimeoutMs: 1e7, stallTimeoutMs: 0 });
    const admission = tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7' });
    if ('then' in admission || !admission.admitted) throw new Error('not let in at once');
    const cuts: number[] = [];
    admission.handle.onCut(() => void cuts.push(clock.now() - end));
    clock.advance(ms - 1);
    expect(cuts).toEqual([]);
    clock.advance(1);
    expect(cuts).toEqual([0]);
    await tracker.stop();
    expect(clock.pending).toBe(0);
  });

  it('closes within the second when many expire together', async () => {
    const clock = fakeClock();
    const start = clock.now();
    let next = start + 60_000;
    const policy: Policy = { name: 'ends', admit: () => ({ allow: true, expiresAt: (next += 7) }) };
    const tracker = createTracker({ clock, policies: [policy], idleTimeoutMs: 1e7 });
    for (let i = 0; i < 1_000; i++)
      void tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: `t${i}` });
    clock.advance(80_000);
    const late = tracker
      .list({ status: 'closed' })
      .map(({ id, closedAt = 0 }) => closedAt - (tracker.explain(id)?.policies[0]?.expiresAt ?? 0));
    expect(late).toHaveLength(1_000);
    expect([Math.min(...late) >= 0, Math.max(...late) < 1_000]).toEqual([true, true]);
    expect(tracker.stats().active).toBe(0);
    await tracker.stop();
  });
});
