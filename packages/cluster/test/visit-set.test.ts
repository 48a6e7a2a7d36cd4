import { randomUUID } from 'node:crypto';
import { countOfAll, VisitSet } from '../src/directory/visit-set.js';

const textOf = (visits: readonly { id: string; openedAt: number }[]): string => {
  const set = new VisitSet();
  for (const visit of visits) set.add(visit);
  return set.text;
};

it('counts a visit of several nodes once, and tells apart what opened at another time or has another id', async () => {
  const now = 1_700_000_000_000;
  const visits = Array.from({ length: 60_000 }, (_, n) => ({ id: randomUUID(), openedAt: now + (n % 9) }));
  const [a, b] = [textOf(visits.slice(0, 40_000)), textOf(visits.slice(20_000))];
  expect(await countOfAll([a, b])).toBe(60_000);
  expect(a.length).toBe(8 * 40_000);
  const id = 'connection-1';
  const alike = [
    { id, openedAt: now },
    { id, openedAt: now + 1 },
    { id, openedAt: now + 2 ** 32 },
    { id: 'connection-2', openedAt: now },
    { id: 'connection-11', openedAt: now },
  ];
  expect(await countOfAll([textOf(alike), textOf([...alike].reverse())])).toBe(5);
  expect(await countOfAll([textOf([]), ''])).toBe(0);
  expect(await countOfAll([])).toBe(0);
});
