import fc from 'fast-check';
import { PASS_TYPES } from '../src/index.js';
import { ask, isLetIn, theatre } from './support/theatre.js';

const PAUSE_SECS = 60;
const IDLE_SECS = 10;

/** One device: when it begins, and the seconds between its segments. */
const device = fc.record({
  begin: fc.integer({ min: 0, max: 300 }),
  gaps: fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 12 }),
});

/** The seconds at which a device fetches something. */
const hitsOf = ({ begin, gaps }: { begin: number; gaps: number[] }): number[] =>
  gaps.reduce<number[]>((hits, gap) => [...hits, (hits.at(-1) ?? 0) + gap], [begin]);

/** The plain sum: the time between any two neighbours that are not further apart than a pause. */
function plainSeconds(hits: readonly number[]): number {
  const sorted = [...hits].sort((a, b) => a - b);
  return sorted.reduce((sum, at, i) => {
    const gap = i === 0 ? Infinity : at - (sorted[i - 1] as number);
    return gap <= PAUSE_SECS ? sum + gap : sum;
  }, 0);
}

it('any history of any devices is billed as the plain union of what they watched, and to the byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(device, { minLength: 1, maxLength: 4 }), async (devices) => {
      const { book, tracker, clock } = theatre(
        { pauseAfterMs: PAUSE_SECS * 1e3 },
        {},
        { idleTimeoutMs: IDLE_SECS * 1e3 },
      );
      const timed = await book.create('ann', { type: PASS_TYPES.time_or_data, timeSecs: 1e6, dataMb: 1e6 });
      const hits = devices.flatMap((one, i) => hitsOf(one).map((at) => ({ at, ip: `203.0.113.${i}` })));
      let now = 0;
      for (const { at, ip } of hits.sort((a, b) => a.at - b.at)) {
        clock.advance((at - now) * 1e3);
        now = at;
        const handle = ask(tracker, { ip });
        if (!isLetIn(handle)) throw new Error(handle.reason);
        handle.end(1_001);
      }
      clock.advance(100_000);
      const pass = await book.get(timed.id);
      expect(pass?.timeCons).toBe(plainSeconds(hits.map(({ at }) => at)));
      expect(pass?.dataCons).toBeCloseTo((hits.length * 1_001) / 1e6, 9);
      const bytes = tracker.list({ visits: 'all' }).reduce((sum, visit) => sum + visit.bytes, 0);
      expect(bytes).toBeLessThanOrEqual(hits.length * 1_001);
      await tracker.stop();
    }),
    { numRuns: 100 },
  );
});
