import { rangesOf } from '../src/write/ranges.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const minutes = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i * MINUTE);

it('adjacent minutes are counted in one range, and distant ones in ranges of their own', () => {
  expect(rangesOf([...minutes(HOUR, 3), ...minutes(HOUR + 20 * MINUTE, 2), 5 * HOUR].reverse())).toEqual([
    [HOUR, HOUR + 22 * MINUTE],
    [5 * HOUR, 5 * HOUR + MINUTE],
  ]);
});

it('a day is cut into several ranges, so that no statement takes too long', () => {
  const ranges = rangesOf(minutes(0, 24 * 60));
  expect(ranges).toHaveLength(4);
  expect(ranges.reduce((sum, [from, to]) => sum + to - from, 0)).toBe(24 * HOUR);
});
