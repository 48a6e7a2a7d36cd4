import { passBook, PASS_TYPES, type Pass, type PassTerms } from '../src/index.js';
import { expiresAt, inOrder, leftBytes, leftMs, overAt } from '../src/rules/availability.js';

const { time, data, time_or_data: both } = PASS_TYPES;
const START = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

const passOf = async (terms: PassTerms, over: Partial<Pass> = {}): Promise<Pass> => ({
  ...(await passBook().create('ann', terms)),
  ...over,
});

describe('a pass can be used', () => {
  it.each<[string, PassTerms, Partial<Pass>, string | undefined]>([
    ['for its time', { type: time, timeSecs: 10 }, { timeCons: 9.999 }, undefined],
    ['not when as much was watched', { type: time, timeSecs: 10 }, { timeCons: 10 }, 'quota_time'],
    ['not when more was', { type: time, timeSecs: 10 }, { timeCons: 10.5 }, 'quota_time'],
    ['not for no time', { type: time, timeSecs: 0 }, {}, 'quota_time'],
    ['whatever its data is, if it is for time', { type: time, timeSecs: 10 }, { dataCons: 99 }, undefined],
    ['for its data', { type: data, dataMb: 1 }, { dataCons: 0.999_999 }, undefined],
    ['not when as much has flowed', { type: data, dataMb: 1 }, { dataCons: 1 }, 'quota_data'],
    ['not for no data', { type: data, dataMb: 0 }, {}, 'quota_data'],
    ['whatever its time is, if it is for data', { type: data, dataMb: 1 }, { timeCons: 99 }, undefined],
    ['while both are left', { type: both, timeSecs: 10, dataMb: 1 }, { timeCons: 9, dataCons: 0.9 }, undefined],
    ['not without time', { type: both, timeSecs: 10, dataMb: 1 }, { timeCons: 10 }, 'quota_time'],
    ['not without data', { type: both, timeSecs: 10, dataMb: 1 }, { dataCons: 1 }, 'quota_data'],
  ])('%s', async (_, terms, over, expected) => {
    const pass = await passOf(terms, over);
    expect(overAt(pass, START, 'time-and-days')).toBe(expected);
    // What is left is never less than nothing.
    expect(Math.min(leftMs(pass), leftBytes(pass))).toBeGreaterThanOrEqual(0);
  });
});

describe('a pass expires', () => {
  it.each<[string, PassTerms, number]>([
    ['with its time and days', { type: time, timeSecs: 60, expDays: 2 }, 60_000 + 2 * DAY_MS],
    ['also where both count', { type: both, timeSecs: 60, dataMb: 1, expDays: 2 }, 60_000 + 2 * DAY_MS],
    ['with its days, if it is for data', { type: data, timeSecs: 60, dataMb: 1, expDays: 2 }, 2 * DAY_MS],
    ['with its time, if it has no day', { type: time, timeSecs: 60, expDays: 0 }, 60_000],
    ['never without days', { type: time, timeSecs: 60 }, Infinity],
  ])('%s', async (_, terms, lasts) => {
    const unused = await passOf(terms);
    expect(expiresAt(unused, 'time-and-days')).toBe(Infinity);
    const pass = { ...unused, startedAt: START };
    expect(expiresAt(pass, 'time-and-days')).toBe(START + lasts);
    if (lasts === Infinity) return;
    expect(overAt(pass, START + lasts - 1, 'time-and-days')).toBeUndefined();
    expect(overAt(pass, START + lasts, 'time-and-days')).toBe('expired');
  });

  it('only by its days, if the book says so', async () => {
    const pass = await passOf({ type: time, timeSecs: 60, expDays: 2 }, { startedAt: START });
    expect(expiresAt(pass, 'days-only')).toBe(START + 2 * DAY_MS);
  });
});

it('passes are used in order: begun first, then by expiry, then by age, then by id', async () => {
  const terms: PassTerms = { type: time, timeSecs: 60, expDays: 2 };
  const ordered = [
    await passOf({ ...terms, expDays: 1 }, { startedAt: START, createdAt: 9 }),
    await passOf(terms, { startedAt: START, createdAt: 8 }),
    await passOf({ ...terms, expDays: null }, { startedAt: START, createdAt: 7 }),
    await passOf(terms, { createdAt: 1, id: 'b' }),
    await passOf(terms, { createdAt: 2, id: 'a' }),
    await passOf({ ...terms, expDays: 1 }, { createdAt: 3, id: 'a' }),
    await passOf(terms, { createdAt: 3, id: 'b' }),
  ];
  for (const shuffled of [[...ordered].reverse(), [...ordered.slice(3), ...ordered.slice(0, 3)]]) {
    expect(shuffled.sort((a, b) => inOrder(a, b, 'time-and-days'))).toEqual(ordered);
  }
});
