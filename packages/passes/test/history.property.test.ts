import fc from 'fast-check';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { memoryPassStore, passBook, passPolicy, PASS_TYPES, type PassStore } from '../src/index.js';
import { ask, hit, isLetIn, theatre } from './support/theatre.js';

const PAUSE_SECS = 60;
const IDLE_SECS = 10;
const SEGMENT = 1_001;
const OPTIONS = { idleTimeoutMs: IDLE_SECS * 1e3 };

/** One device: when it begins, and the seconds between its segments. */
const device = fc.record({
  begin: fc.integer({ min: 0, max: 300 }),
  gaps: fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 12 }),
});
const devices = fc.array(device, { minLength: 1, maxLength: 4 });

interface Fetch {
  readonly at: number;
  readonly device: number;
}

/** The seconds at which devices fetch something, in order. */
const fetchesOf = (all: readonly { begin: number; gaps: number[] }[]): Fetch[] =>
  all
    .flatMap(({ begin, gaps }, i) => {
      const times = gaps.reduce<number[]>((before, gap) => [...before, (before.at(-1) ?? 0) + gap], [begin]);
      return times.map((at) => ({ at, device: i }));
    })
    .sort((a, b) => a.at - b.at);

/** The plain sum: the time between any two neighbours that are not further apart than a pause. */
const plainSeconds = (fetches: readonly Fetch[]): number =>
  fetches.reduce((sum, { at }, i) => {
    const gap = i === 0 ? Infinity : at - (fetches[i - 1] as Fetch).at;
    return gap <= PAUSE_SECS ? sum + gap : sum;
  }, 0);

/** Bytes of the visits that have ended. */
function bytesOf(tracker: SessionTracker): () => number {
  let bytes = 0;
  tracker.on('closed', ({ session }) => (bytes += session.bytes));
  return () => bytes;
}

it('any history of any devices is billed as the union of what they watched, and to the byte', async () => {
  await fc.assert(
    fc.asyncProperty(devices, async (all) => {
      const { book, tracker, clock } = theatre({ pauseAfterMs: PAUSE_SECS * 1e3 }, {}, OPTIONS);
      const counted = bytesOf(tracker);
      const { id } = await book.create('ann', { type: PASS_TYPES.time_or_data, timeSecs: 1e6, dataMb: 1e6 });
      const fetches = fetchesOf(all);
      let now = 0;
      for (const { at, device: n } of fetches) {
        clock.advance((at - now) * 1e3);
        now = at;
        const handle = ask(tracker, { ip: `203.0.113.${n}` });
        if (!isLetIn(handle)) throw new Error(handle.reason);
        handle.end(SEGMENT);
      }
      clock.advance(100_000);
      const pass = await book.get(id);
      expect(pass?.timeCons).toBe(plainSeconds(fetches));
      expect(pass?.dataCons).toBeCloseTo((fetches.length * SEGMENT) / 1e6, 9);
      expect(counted()).toBe(fetches.length * SEGMENT);
      await tracker.stop();
    }),
    { numRuns: 40 },
  );
});

it('consecutive passes of any length are billed the same sum, and each to its end', async () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(devices, lengths, async (all, seconds) => {
      const { book, tracker, clock } = theatre({ pauseAfterMs: PAUSE_SECS * 1e3 }, {}, OPTIONS);
      const sold: string[] = [];
      for (const timeSecs of [...seconds, 1e6]) {
        sold.push((await book.create('ann', { type: PASS_TYPES.time, timeSecs })).id);
        clock.advance(1);
      }
      const fetches = fetchesOf(all);
      let now = 0;
      for (const { at, device: n } of fetches) {
        clock.advance((at - now) * 1e3);
        now = at;
        const handle = ask(tracker, { ip: `203.0.113.${n}` });
        if (!isLetIn(handle)) throw new Error(handle.reason);
        handle.end(SEGMENT);
      }
      clock.advance(100_000);
      let left = plainSeconds(fetches);
      for (const id of sold) {
        const { timeCons = NaN, timeSecs = NaN } = (await book.get(id)) ?? {};
        expect(timeCons).toBe(Math.min(left, timeSecs));
        left -= timeCons;
      }
      expect(tracker.list({ reason: 'quota_time', visits: 'all' })).toEqual([]);
      await tracker.stop();
    }),
    { numRuns: 40 },
  );
});

/** Answers later, as a database does. */
function later(kept: PassStore): PassStore {
  const store = { ...kept };
  for (const name of ['add', 'get', 'list', 'spend', 'change'] as const) {
    store[name] = (async (...given: [never, never]) => {
      await Promise.resolve();
      return kept[name](...given);
    }) as never;
  }
  return store;
}

it('two processes on one store bill no second twice, and every byte once', async () => {
  await fc.assert(
    fc.asyncProperty(devices, async (all) => {
      const kept = memoryPassStore();
      const { clock, book } = theatre({ store: later(kept) });
      const { id } = await book.create('ann', { type: PASS_TYPES.time_or_data, timeSecs: 1e6, dataMb: 1e6 });
      const processes = [1, 2].map(() => {
        const own = passBook({ clock, store: later(kept), pauseAfterMs: PAUSE_SECS * 1e3 });
        return { own, tracker: createTracker({ clock, policies: [passPolicy(own)], ...OPTIONS }) };
      });
      const fetches = fetchesOf(all);
      let now = 0;
      for (const { at, device: n } of fetches) {
        clock.advance((at - now) * 1e3);
        now = at;
        const { tracker } = processes[n % 2] as (typeof processes)[0];
        const admission = await tracker.admit(hit({ ip: `203.0.113.${n}` }));
        if (!admission.admitted || !('end' in admission.handle)) throw new Error('refused');
        admission.handle.end(SEGMENT);
      }
      for (const { tracker, own } of processes) {
        await tracker.stop();
        await own.close();
      }
      const pass = await kept.get(id);
      expect(pass?.timeCons).toBeLessThanOrEqual(plainSeconds(fetches));
      expect(pass?.dataCons).toBeCloseTo((fetches.length * SEGMENT) / 1e6, 9);
    }),
    { numRuns: 40 },
  );
});
