import { PASS_TYPES } from '../src/index.js';
import { ask, isLetIn, segment, theatre, visit, watch } from './support/theatre.js';

const { data, time_or_data: both } = PASS_TYPES;

describe('a pass for data', () => {
  it('allows that much data, and at most one segment more', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: data, dataMb: 5 });
    let segments = 0;
    while (segment(all.tracker, 400_000) === 200) {
      segments++;
      all.clock.advance(0);
    }
    expect(segments).toBe(13);
    expect(visit(all.tracker)).toMatchObject({ closeReason: 'quota_data', bytes: 5_200_000 });
    expect(await all.book.get(id)).toMatchObject({ dataCons: 5.2, timeCons: 0 });
    expect(ask(all.tracker)).toMatchObject({ kind: 'limit', reason: 'quota_data', remaining: { bytes: 0 } });
  });

  it.each([2, 3, 10])('is shared by %i devices', async (devices) => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: data, dataMb: 5 });
    const playing = new Set(Array.from({ length: devices }, (_, i) => `203.0.113.${i}`));
    let bytes = 0;
    while (playing.size > 0) {
      for (const ip of playing) {
        if (segment(all.tracker, 200_000, { ip }) === 200) bytes += 200_000;
        else playing.delete(ip);
        all.clock.advance(0);
      }
    }
    expect(bytes).toBeGreaterThanOrEqual(5_000_000);
    expect(bytes).toBeLessThanOrEqual(5_000_000 + devices * 200_000);
    expect((await all.book.get(id))?.dataCons).toBe(bytes / 1e6);
  });

  it('is not held by a device that took a share and has stopped', async () => {
    const all = theatre();
    await all.book.create('ann', { type: data, dataMb: 5 });
    const paused = ask(all.tracker, { ip: '203.0.113.8' });
    let bytes = 0;
    while (segment(all.tracker, 100_000) === 200) {
      bytes += 100_000;
      all.clock.advance(10);
    }
    expect(bytes).toBe(5_000_000);
    all.clock.advance(1);
    expect(isLetIn(paused) && paused.session?.closeReason).toBe('quota_data');
  });

  it('counts both directions', async () => {
    const all = theatre({}, { kinds: ['input'] });
    const { id } = await all.book.create('ann', { type: data, dataMb: 5 });
    const admission = all.tracker.admit({
      stream: 'cam2',
      protocol: 'rtmp',
      kind: 'input',
      remoteAddress: '203.0.113.9:5000',
      token: 'ann',
    });
    if ('then' in admission || !admission.admitted || !('addReceived' in admission.handle)) throw new Error('refused');
    const { handle } = admission;
    all.clock.advance(0);
    for (let second = 0; second < 10; second++) {
      handle.addReceived(500_000);
      handle.touch(100_000);
      all.clock.advance(1_000);
    }
    expect(visit(all.tracker)).toMatchObject({ closeReason: 'quota_data' });
    expect(await all.book.get(id)).toMatchObject({ dataCons: 5.4 });
  });

  it('continues with more data, and with another pass', async () => {
    const all = theatre();
    const { id } = await all.book.create('ann', { type: data, dataMb: 1 });
    watch(all, 3_000, { bytes: 300_000, everyMs: 1_000 });
    await all.book.topUp(id, { dataMb: 1 });
    all.clock.advance(1);
    const next = await all.book.create('ann', { type: data, dataMb: 1 });
    const end = watch(all, 60_000, { bytes: 300_000, everyMs: 1_000 });
    expect(end?.reason).toBe('quota_data');
    expect(visit(all.tracker).bytes).toBe(3_000_000);
    expect([await all.book.get(id), await all.book.get(next.id)]).toMatchObject([{ dataCons: 2 }, { dataCons: 1 }]);
    expect(all.tracker.list({ visits: 'all' })).toHaveLength(1);
  });
});

describe('a pass for time or data', () => {
  it('ends when its time is used up', async () => {
    const all = theatre();
    await all.book.create('ann', { type: both, timeSecs: 10, dataMb: 5 });
    expect(watch(all, 60_000)).toMatchObject({ refusedAt: 10, reason: 'quota_time' });
    expect(ask(all.tracker)).toMatchObject({ remaining: { seconds: 0, bytes: 4_995_000 } });
  });

  it('ends when its data is used up', async () => {
    const all = theatre();
    await all.book.create('ann', { type: both, timeSecs: 60, dataMb: 5 });
    expect(watch(all, 60_000, { bytes: 1_000_000 })).toMatchObject({ refusedAt: 10, reason: 'quota_data' });
  });

  it('with nothing left is worth nothing', async () => {
    const all = theatre();
    await all.book.create('ann', { type: both, timeSecs: 60 });
    expect(segment(all.tracker)).toBe('quota_data');
    await all.book.create('bob', { type: both, dataMb: 60 });
    expect(segment(all.tracker, 1, { token: 'bob' })).toBe('quota_time');
  });
});
