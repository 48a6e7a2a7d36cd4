import { TokenBucket } from '../src/speed/token-bucket.js';

/** Takes all there is, every so many milliseconds; what it got in all. */
function takeAll(bucket: TokenBucket, from: number, to: number, everyMs: number): number {
  let taken = 0;
  for (let now = from; now <= to; now += everyMs) {
    bucket.fill(now);
    const all = Math.floor(bucket.available);
    bucket.take(all);
    taken += all;
  }
  return taken;
}

describe('the bucket of a session with 4 Mbit/s', () => {
  it('has two seconds worth when the session opens, and then the limit', () => {
    const bucket = new TokenBucket(4, true, 0);
    expect(takeAll(bucket, 0, 0, 1)).toBe(1_000_000);
    expect(takeAll(bucket, 1, 10_000, 1)).toBe(5_000_000);
  });

  it('never gives more than the limit × (t + 2 s), however the burst is used', () => {
    for (const pause of [0, 100, 1000, 5000]) {
      const bucket = new TokenBucket(4, true, 0);
      expect(takeAll(bucket, pause, pause + 10_000, 50)).toBeLessThanOrEqual(500 * (pause + 10_000 + 2000));
    }
  });

  it('has no more than 250 ms worth after a pause', () => {
    const bucket = new TokenBucket(4, true, 0);
    takeAll(bucket, 0, 0, 1);
    bucket.fill(60_000);
    expect(bucket.available).toBe(125_000);
  });

  it('has no burst when the limit comes later', () => {
    expect(new TokenBucket(4, false, 0).available).toBe(125_000);
  });

  it('keeps to another limit at once, without the rest of a burst', () => {
    const bucket = new TokenBucket(4, true, 0);
    bucket.change(1, 0);
    expect(bucket.available).toBe(31_250);
    expect(takeAll(bucket, 0, 1000, 10)).toBe(31_250 + 125_000);
    bucket.change(8, 1000);
    expect(takeAll(bucket, 1010, 2000, 10)).toBe(1_000_000);
  });

  it('gives everything while there is no limit, and little once there is one', () => {
    const bucket = new TokenBucket(4, true, 0);
    bucket.change(Infinity, 10);
    bucket.take(1e9);
    expect(bucket.available).toBe(Infinity);
    bucket.change(4, 20);
    expect(bucket.available).toBe(125_000);
  });

  it.each([0, -1, NaN])('takes %s to mean no limit', (mbits) => {
    expect(new TokenBucket(mbits, true, 0).available).toBe(Infinity);
  });
});
