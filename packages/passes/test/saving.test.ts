import { createTracker } from '@stream-sessions/core';
import { memoryPassStore, passBook, passPolicy, PASS_TYPES, type Pass, type PassStore } from '../src/index.js';
import { accountsOf } from '../src/book/pass-book.js';
import { MemoryPassStore } from '../src/store/memory-store.js';
import { ask, hit, isLetIn, segment, type Theatre, theatre, watch } from './support/theatre.js';

const { time, data } = PASS_TYPES;

/** Microtasks run dry. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

/** A store that answers by promises, and sometimes not: `before` it has done what it was asked, or after. */
function shaky(): PassStore & { failing: 'never' | 'before' | 'after'; calls: number } {
  const kept = memoryPassStore();
  const shakyStore = {
    failing: 'never' as 'never' | 'before' | 'after',
    calls: 0,
    add: async (...args: Parameters<PassStore['add']>) => kept.add(...args),
    get: async (...args: Parameters<PassStore['get']>) => kept.get(...args),
    list: async (...args: Parameters<PassStore['list']>) => kept.list(...args),
    change: async (...args: Parameters<PassStore['change']>) => kept.change(...args),
    spend: async (...args: Parameters<PassStore['spend']>) => {
      shakyStore.calls++;
      if (shakyStore.failing === 'before') throw new Error('refused');
      const pass = await kept.spend(...args);
      if (shakyStore.failing === 'after') throw new Error('the answer was lost');
      return pass;
    },
  };
  return shakyStore;
}

/** Fetches a segment every two seconds for so many seconds. */
async function play({ tracker, clock }: Theatre, seconds: number): Promise<string | 200> {
  for (let second = 0; second < seconds; second += 2) {
    const admission = await tracker.admit(hit());
    if (!admission.admitted) return admission.denial.reason;
    if ('end' in admission.handle) admission.handle.end(100_000);
    clock.advance(2_000);
    await settle();
  }
  return 200;
}

describe('a store that answers with promises', () => {
  it('admits, bills and cuts like any other', async () => {
    const all = theatre({ store: shaky() });
    const { id } = await all.book.create('ann', { type: time, timeSecs: 20 });
    expect(await play(all, 60)).toBe('quota_time');
    expect(await all.book.get(id)).toMatchObject({ timeCons: 20 });
  });

  it.each(['before', 'after'] as const)(
    'and fails %s it has counted: every second is counted once',
    async (failing) => {
      const store = shaky();
      const all = theatre({ store });
      const { id } = await all.book.create('ann', { type: time, timeSecs: 600 });
      const other = await all.book.create('bob', { type: data, dataMb: 600 });
      await play(all, 20);
      store.failing = failing;
      await play(all, 60);
      expect(store.calls).toBeGreaterThan(4);
      store.failing = 'never';
      await play(all, 20);
      all.clock.advance(60_000);
      await settle();
      expect(await store.get(id)).toMatchObject({ timeCons: 98 });
      expect(await store.get(other.id)).toMatchObject({ dataCons: 0 });
    },
  );

  it('refuses viewers that cannot be looked up, and lets current ones play on', async () => {
    const store = shaky();
    const all = theatre({ store });
    await all.book.create('ann', { type: time, timeSecs: 600 });
    await play(all, 4);
    store.list = () => Promise.reject(new Error('down'));
    expect(await play(all, 4)).toBe(200);
    const admission = await all.tracker.admit(hit({ token: 'bob' }));
    expect(admission.admitted || admission.denial).toMatchObject({ reason: 'policy_error', kind: 'overload' });
  });

  it('shows a pass that somebody else deletes, ends or tops up', async () => {
    const store = shaky();
    const all = theatre({ store });
    const { id } = await all.book.create('ann', { type: time, timeSecs: 20 });
    await play(all, 10);
    await store.change(id, { addSecs: 60 });
    expect(await play(all, 40)).toBe(200);
    await store.change(id, { endedAt: all.clock.now() });
    expect(await play(all, 40)).toBe('expired');
    const next = await all.book.create('ann', { type: time, timeSecs: 200 });
    await play(all, 10);
    const { spend, list } = store;
    store.spend = async (passId, spending) => (passId === next.id ? undefined : spend(passId, spending));
    store.list = async (owner) => (await list(owner)).filter((pass) => pass.id !== next.id);
    expect(await play(all, 40)).toBe('expired');
  });
});

describe('a pass that is edited during playback', () => {
  /** The store does what `edit` says before each spending. */
  const edited = (edit: { of: Partial<Pass> }): PassStore => {
    const kept = new MemoryPassStore();
    return {
      add: (pass) => kept.add(pass),
      get: (id) => kept.get(id),
      list: (owner) => kept.list(owner),
      change: (id, change) => kept.change(id, change),
      spend: (id, spending) => {
        const pass = kept.get(id);
        if (pass !== undefined) kept.put({ ...pass, ...edit.of });
        return kept.spend(id, spending);
      },
    };
  };

  it('ends by its new values, at the next time it is saved', async () => {
    const edit = { of: {} };
    const all = theatre({ store: edited(edit) });
    await all.book.create('ann', { type: time, timeSecs: 600 });
    expect(watch(all, 20_000)).toBeUndefined();
    edit.of = { timeSecs: 25 };
    const end = watch(all, 60_000);
    expect(end?.reason).toBe('quota_time');
    expect(end?.refusedAt).toBeLessThanOrEqual(20 + 15 + 2);
    expect(all.tracker.list({ visits: 'all' })).toHaveLength(1);
  });

  it('has its new limits from then on', async () => {
    const edit = { of: {} };
    const all = theatre({ store: edited(edit) });
    await all.book.create('ann', { type: time, timeSecs: 600, downMbits: 2 });
    const handle = ask(all.tracker);
    if (!isLetIn(handle)) throw new Error('refused');
    const seen: unknown[] = [handle.limits];
    handle.onLimits((limits) => void seen.push(limits));
    all.clock.advance(20_000);
    edit.of = { downMbits: 4 };
    all.clock.advance(20_000);
    expect(seen).toEqual([{ downMbits: 2 }, { downMbits: 4 }]);
  });
});

describe('what is saved', () => {
  it('includes the beginning of a pass, at once', async () => {
    const store = memoryPassStore();
    const all = theatre({ store });
    const { id } = await all.book.create('ann', { type: time, timeSecs: 600 });
    segment(all.tracker);
    all.clock.advance(0);
    expect(await store.get(id)).toMatchObject({ startedAt: all.start, timeCons: 0 });
  });

  it('is never more than `saveEveryMs` behind, and exact when a session ends', async () => {
    const store = memoryPassStore();
    const all = theatre({ store });
    const { id } = await all.book.create('ann', { type: time, timeSecs: 600 });
    const saved = async (): Promise<number> => (await store.get(id))?.timeCons ?? NaN;
    for (let second = 0; second < 100; second++) {
      segment(all.tracker);
      all.clock.advance(1_000);
      expect(await saved()).toBeGreaterThanOrEqual(second - 15);
    }
    all.clock.advance(40_000);
    expect(await saved()).toBe(99);
  });

  it('is complete after close()', async () => {
    const store = memoryPassStore();
    const all = theatre({ store });
    const { id } = await all.book.create('ann', { type: data, dataMb: 600 });
    watch(all, 10_000, { bytes: 1_000_000 });
    await all.tracker.stop();
    await all.book.close();
    await all.book.close();
    expect(await store.get(id)).toMatchObject({ dataCons: 5 });
    expect(all.clock.pending).toBe(0);
  });
});

describe('two processes on one store', () => {
  it('bill no second twice, and both know when a pass is used up', async () => {
    const store = memoryPassStore();
    const all = theatre({ store });
    const book = passBook({ store, clock: all.clock });
    const tracker = createTracker({ clock: all.clock, policies: [passPolicy(book)] });
    const { id } = await all.book.create('ann', { type: time, timeSecs: 60 });
    let played = 0;
    for (let second = 0; second < 100; second++) {
      const answers = [segment(all.tracker), segment(tracker, 1_000, { ip: '203.0.113.8' })];
      if (answers.every((answer) => answer !== 200)) break;
      played = second;
      all.clock.advance(1_000);
    }
    expect(played).toBe(59);
    await all.book.save();
    await book.save();
    const pass = await store.get(id);
    expect(pass?.timeCons).toBeGreaterThanOrEqual(59);
    expect(pass?.timeCons).toBeLessThanOrEqual(60);
  });

  it('both show what the other has spent and topped up, besides what they have not saved themselves', async () => {
    const store = memoryPassStore();
    const [here, there] = [theatre({ store }), theatre({ store })];
    const { id } = await here.book.create('ann', { type: data, dataMb: 5 });
    expect([segment(here.tracker, 1_000_000), segment(there.tracker, 500_000)]).toEqual([200, 200]);
    await here.book.save();
    await there.book.save();
    await there.book.topUp(id, { dataMb: 10 });
    expect(segment(here.tracker, 1_000)).toBe(200);
    expect(await here.book.get(id)).toMatchObject({ dataMb: 15, dataCons: 1.501 });
    expect(await here.book.list('ann')).toMatchObject([{ dataMb: 15, dataCons: 1.501 }]);
  });
});

describe('a thousand first requests of one owner at the same time', () => {
  it('begin one pass, once', async () => {
    const store = shaky();
    const all = theatre({ store });
    const started: (number | null)[] = [];
    all.book.on('spent', ({ pass }) => started.push(pass.startedAt));
    for (let i = 0; i < 3; i++) await all.book.create('ann', { type: time, timeSecs: 600 });
    const racing = Array.from({ length: 1_000 }, async (_, i) => {
      const admission = await all.tracker.admit(hit({ ip: `203.0.${i >> 8}.${i & 255}` }));
      if (!admission.admitted) throw new Error(admission.denial.reason);
      if ('end' in admission.handle) admission.handle.end(1_000);
    });
    await Promise.all(racing);
    all.clock.advance(5_000);
    await settle();
    await all.book.save();
    const passes = await store.list('ann');
    expect(passes.map(({ startedAt }) => startedAt ?? 0).sort()).toEqual([0, 0, all.start]);
    expect(new Set(started)).toEqual(new Set([all.start]));
    expect(all.tracker.count({ status: 'active' })).toBe(1_000);
  });
});

describe('the memory of a book', () => {
  it('has nothing about owners that have left, nor about strangers', async () => {
    const all = theatre();
    for (let i = 0; i < 100; i++) await all.book.create(`owner ${i}`, { type: time, timeSecs: 60 });
    for (let i = 0; i < 200; i++) segment(all.tracker, 1, { token: `owner ${i}`, ip: `203.0.113.${i}` });
    all.clock.advance(30_000);
    expect(all.clock.pending).toBe(2);
    all.clock.advance(120_000);
    expect(all.clock.pending).toBe(1); // the tracker's sweep
    await all.tracker.stop();
    expect(all.clock.pending).toBe(0);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
  ])('has nothing about owners that were asked for while the store %s', async (_, list) => {
    const all = theatre({ store: { ...shaky(), list } });
    await expect(all.book.remaining('ann')).rejects.toThrow('down');
    const admission = await all.tracker.admit(hit({ token: 'bob' }));
    expect(admission.admitted || admission.denial).toMatchObject({ reason: 'policy_error' });
    for (const owner of ['ann', 'bob']) expect(accountsOf(all.book)?.find(owner)).toBeUndefined();
    await all.tracker.stop();
  });
});
