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

  it('that is reached during playback is acted on at once, and causes no second review', async () => {
    const clock = fakeClock();
    const reviewed: number[] = [];
    const watching: Policy = {
      name: 'watching',
      deadline: () => ({ bytes: 5_000 }),
      review: ({ bytes }) => {
        reviewed.push(bytes);
        return { allow: true };
      },
    };
    const tracker = createTracker({ clock, policies: [watching] });
    const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:50000' });
    closer.touch(4_999);
    clock.advance(0);
    expect(reviewed).toEqual([]);
    closer.touch(1);
    clock.advance(0);
    expect(reviewed).toEqual([5_000]);
    for (let i = 0; i < 10; i++) {
      closer.touch(100);
      clock.advance(1);
    }
    expect(reviewed).toEqual([5_000]);
    clock.advance(1_000);
    expect(reviewed).toEqual([5_000, 6_000]);
    await tracker.stop();
    expect(clock.pending).toBe(0);
  });
});
