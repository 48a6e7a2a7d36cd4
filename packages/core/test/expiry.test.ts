import { createTracker, type Policy } from '../src/index.js';
import { fakeClock } from '../src/testing/index.js';

describe('the end of a yes', () => {
  it('that one policy set is not put off by another', async () => {
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
