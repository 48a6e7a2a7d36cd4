import { PASS_TYPES } from '../src/index.js';
import { ask, isLetIn, segment, theatre, visit, watch } from './support/theatre.js';

const { time } = PASS_TYPES;

describe('a pass for time', () => {
  it('lets its owner watch for that long, and then refuses with what remains', async () => {
    const all = theatre();
    const { book, tracker } = all;
    const pass = await book.create('ann', { type: time, timeSecs: 6 });
    expect(watch(all, 20_000)).toEqual({ refusedAt: 6, reason: 'quota_time' });
    expect(visit(tracker).closeReason).toBe('quota_time');
    expect(ask(tracker)).toMatchObject({ kind: 'limit', reason: 'quota_time', remaining: { seconds: 0 } });
    expect(await book.get(pass.id)).toMatchObject({ timeCons: 6, startedAt: all.start });
    expect(await book.remaining('ann')).toBeUndefined();
  });

  it('refuses viewers without a pass, and those without a name', () => {
    const { tracker } = theatre();
    expect(ask(tracker)).toMatchObject({ kind: 'limit', reason: 'no_pass' });
    expect(ask(tracker, { token: undefined })).toMatchObject({ kind: 'credentials', reason: 'unauthorized' });
  });

  it('cuts a request that is open at its end, on the dot', async () => {
    const { book, tracker, clock, seconds } = theatre();
    await book.create('ann', { type: time, timeSecs: 6 });
    const handle = ask(tracker);
    if (!isLetIn(handle)) throw new Error('refused');
    const cuts: [number, string][] = [];
    handle.onCut((reason) => (cuts.push([seconds(), reason]), 0));
    clock.advance(20_000);
    expect(cuts).toEqual([[6, 'quota_time']]);
  });

  it('also closes a session that is silent between two segments', async () => {
    const { book, tracker, clock } = theatre();
    await book.create('ann', { type: time, timeSecs: 6 });
    segment(tracker);
    clock.advance(5_999);
    expect(tracker.count({ status: 'active' })).toBe(1);
    clock.advance(1);
    expect(visit(tracker).closeReason).toBe('quota_time');
  });

  it('admits its owner at the very next request after a top-up', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 6 });
    watch(all, 20_000);
    expect(segment(all.tracker)).toBe('quota_time');
    await all.book.topUp(id, { timeSecs: 4 });
    expect(watch(all, 20_000)).toEqual({ refusedAt: 10, reason: 'quota_time' });
  });

  it('continues when it is topped up during playback', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 6 });
    expect(watch(all, 4_000)).toBeUndefined();
    await all.book.topUp(id, { timeSecs: 10 });
    expect(watch(all, 60_000)).toEqual({ refusedAt: 16, reason: 'quota_time' });
    expect(all.tracker.list({ visits: 'all' })).toHaveLength(1);
  });

  it('tells at any time what is left, and when it ends', async () => {
    const all = theatre();
    await all.book.create('ann', { type: time, timeSecs: 20 });
    expect(await all.book.remaining('ann')).toMatchObject({
      seconds: 20,
      endsAt: all.start + 20_000,
      isPlaying: false,
    });
    watch(all, 5_000, { everyMs: 1_000 });
    expect(await all.book.remaining('ann')).toMatchObject({ seconds: 16, endsAt: all.start + 20_000, isPlaying: true });
    all.clock.advance(95_000);
    expect(await all.book.remaining('ann')).toMatchObject({
      seconds: 16,
      endsAt: all.start + 116_000,
      isPlaying: false,
    });
  });

  it('is charged once for two devices at the same time', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: time, timeSecs: 60 });
    for (let s = 0; s < 10; s++) {
      segment(all.tracker);
      segment(all.tracker, 1_000, { ip: '203.0.113.8' });
      all.clock.advance(2_000);
    }
    expect((await all.book.get(id))?.timeCons).toBe(18);
  });

  it('hands over to the next one without a cut', async () => {
    const all = theatre();
    const first = await all.book.create('ann', { type: time, timeSecs: 5 });
    all.clock.advance(1);
    const second = await all.book.create('ann', { type: time, timeSecs: 5 });
    expect(watch(all, 60_000, { everyMs: 1_000 })).toEqual({ refusedAt: 10.001, reason: 'quota_time' });
    expect(all.tracker.list({ visits: 'all' })).toHaveLength(1);
    expect(await all.book.get(first.id)).toMatchObject({ timeCons: 5 });
    expect(await all.book.get(second.id)).toMatchObject({ timeCons: 5 });
  });
});
