import { createTracker, type Policy } from '../src/index.js';
import { fakeClock } from '../src/testing/index.js';

describe('a deadline in bytes', () => {
  it('that the first hit already exceeds is acted on at the next sweep', async () => {
    const clock = fakeClock();
    const quota: Policy = {
      name: 'quota',
      deadline: () => ({ bytes: 5_000 }),
      review: () => ({ allow: false, reason: 'quota_data' }),
    };
    const tracker = createTracker({ clock, policies: [quota] });
    const session = tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', bytes: 6_000 });
    clock.advance(1_000);
    expect(tracker.get(session?.id ?? '')?.closeReason).toBe('quota_data');
    await tracker.stop();
  });
});
