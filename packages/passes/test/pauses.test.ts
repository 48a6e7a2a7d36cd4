import { execFileSync } from 'node:child_process';
import { PASS_TYPES } from '../src/index.js';
import { ask, isLetIn, segment, theatre, watch } from './support/theatre.js';

const { time } = PASS_TYPES;

describe("an owner's clock", () => {
  it('stands still while nobody watches', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 60 });
    watch(all, 21_000);
    all.clock.advance(3_600_000);
    expect(await all.book.get(id)).toMatchObject({ timeCons: 20 });
    expect(watch(all, 60_000)).toMatchObject({ reason: 'quota_time' });
    expect(await all.book.get(id)).toMatchObject({ timeCons: 60 });
  });

  it('keeps running through pauses that a buffer may bridge', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 7_200 });
    for (let burst = 0; burst < 60; burst++) {
      segment(all.tracker, 1_000);
      all.clock.advance(450);
      segment(all.tracker, 1_000);
      all.clock.advance(59_550);
    }
    expect((await all.book.get(id))?.timeCons).toBe(59 * 60 + 0.45);
  });

  it('counts pauses up to `pauseAfterMs`, and never less than the idle timeout', async () => {
    const pause = async (ms: number, pauseAfterMs: number): Promise<number | undefined> => {
      const all = theatre({ pauseAfterMs }, {}, { idleTimeoutMs: 10_000 });
      const { id } = await all.book.create('ann', { type: time, timeSecs: 7_200 });
      segment(all.tracker);
      all.clock.advance(ms);
      segment(all.tracker);
      return (await all.book.get(id))?.timeCons;
    };
    expect(await pause(20_000, 20_000)).toBe(20);
    expect(await pause(20_001, 20_000)).toBe(0);
    expect(await pause(10_000, 0)).toBe(10);
    expect(await pause(12_000, 0)).toBe(0);
  });

  it('counts the pause of a viewer that comes back too late, but no more than is left', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 6 });
    watch(all, 5_000);
    all.clock.advance(5_000);
    expect(await all.book.get(id)).toMatchObject({ timeCons: 4 });
    expect(segment(all.tracker)).toBe('quota_time');
    expect(await all.book.get(id)).toMatchObject({ timeCons: 6 });
  });

  it('leaves the rest to an owner that returns after a longer pause', async () => {
    const all = theatre();
    await all.book.create('ann', { type: time, timeSecs: 6 });
    watch(all, 5_000);
    all.clock.advance(70_000);
    expect(watch(all, 60_000, { everyMs: 1_000 })).toMatchObject({ refusedAt: 77 });
  });

  it('is one for all protocols together', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 600 });
    const admission = all.tracker.admit({
      stream: 'cam2',
      protocol: 'rtmp',
      remoteAddress: '203.0.113.9:5000',
      token: 'ann',
    });
    if ('then' in admission || !admission.admitted) throw new Error('refused');
    watch(all, 30_000);
    const { handle } = admission;
    if ('close' in handle) handle.close('client_gone', 0);
    expect((await all.book.get(id))?.timeCons).toBe(30);
  });

  it('does not start for requests that are answered with an error', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 60 });
    const handle = ask(all.tracker, { tentative: true });
    if (!isLetIn(handle)) throw new Error('refused');
    all.clock.advance(20_000);
    handle.end(0);
    expect(await all.book.get(id)).toMatchObject({ timeCons: 0, startedAt: null });
  });

  it('starts with the first request that is served, when its first byte flows', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 60 });
    const handle = ask(all.tracker, { tentative: true });
    if (!isLetIn(handle)) throw new Error('refused');
    all.clock.advance(1_500);
    handle.touch(10);
    all.clock.advance(0);
    expect(await all.book.get(id)).toMatchObject({ timeCons: 1.5, startedAt: all.start });
  });
});

describe('a clock that is not reliable', () => {
  it.each([
    // Its timers stand still meanwhile.
    ['sleeps for an hour with its machine', 3_600_000],
    ['is set back by an hour', -3_600_000],
    ['is set forward by a day', 86_400_000],
    ['is set back by ten seconds', -10_000],
  ])('%s: what was watched is billed, and no more', async (_, ms) => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 600 });
    const handle = ask(all.tracker);
    if (!isLetIn(handle)) throw new Error('refused');
    for (let second = 0; second < 100; second++) {
      if (second === 50) all.clock.jump(ms);
      handle.touch(1_000);
      all.clock.advance(1_000);
    }
    const { timeCons } = (await all.book.get(id)) ?? { timeCons: 0 };
    expect(timeCons).toBeGreaterThanOrEqual(ms === -10_000 ? 89 : 99);
    expect(timeCons).toBeLessThanOrEqual(100);
  });

  it('is set forward beyond the end of a pass: the pass has expired, which is noticed within seconds', async () => {
    const all = theatre();
    await all.book.create('ann', { type: time, timeSecs: 600, expDays: 1 });
    expect(watch(all, 20_000)).toBeUndefined();
    all.clock.jump(86_400_000 + 600_000);
    expect(watch(all, 20_000)).toMatchObject({ reason: 'expired' });
  });

  it('has no daylight saving time: a day has 24 hours', () => {
    // A process keeps the time zone that it was started with. There, the clocks go forward in the night that follows.
    const program = `
      const { fakeClock } = require('@stream-sessions/core/testing');
      const { passBook, passPolicy } = require('@stream-sessions/passes');
      const { createTracker } = require('@stream-sessions/core');
      const clock = fakeClock(new Date(2026, 2, 28, 12).getTime());
      const book = passBook({ clock, expiry: 'days-only' });
      const tracker = createTracker({ clock, policies: [passPolicy(book)] });
      const isLetIn = () => tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token: 'ann' }).admitted;
      book.create('ann', { type: 1, dataMb: 500, expDays: 1 }).then(() => {
        const answers = [isLetIn()];
        for (const ms of [24 * 3_600_000 - 1, 1]) {
          clock.advance(ms);
          answers.push(isLetIn());
        }
        console.log(JSON.stringify([...answers, new Date(clock.now()).getHours()]));
        return tracker.stop();
      });`;
    const env = { ...process.env, TZ: 'Europe/Berlin' };
    const output = execFileSync(process.execPath, ['-e', program], { env, cwd: __dirname, encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual([true, true, false, 13]);
  });
});
