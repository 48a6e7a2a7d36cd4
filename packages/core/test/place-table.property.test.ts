import fc from 'fast-check';
import { PlaceTable, type Placed } from '../src/collections/hash-table.js';

class Item implements Placed {
  constructor(
    readonly stream: string,
    readonly household: string,
    readonly version: number,
  ) {}
  isAt(stream: string, household: string): boolean {
    return this.stream === stream && this.household === household;
  }
}

const text = fc.constantFrom('', 'a', 'b', 'ab', 'ba', '\u0000', 'ü', '1:a');

it('agrees with a Map, whatever is set, replaced and deleted', () => {
  const step = fc.record({
    set: fc.boolean(),
    stream: text,
    household: fc.tuple(text, fc.nat(40)).map((p) => p.join('')),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_500, size: 'max' }), (steps) => {
      const table = new PlaceTable<Item>();
      const model = new Map<string, Item>();
      steps.forEach(({ set, stream, household }, version) => {
        const key = JSON.stringify([stream, household]);
        const item = new Item(stream, household, version);
        if (set) {
          table.set(stream, household, item);
          model.set(key, item);
        } else {
          table.delete(stream, household);
          model.delete(key);
        }
        if (table.get(stream, household) !== model.get(key))
          throw new Error(`after ${set ? 'set' : 'delete'} of ${key}`);
      });
      for (const { stream, household } of steps) {
        if (table.get(stream, household) !== model.get(JSON.stringify([stream, household])))
          throw new Error('lost one');
      }
    }),
    { numRuns: 30 },
  );
});

it('finds and forgets a hundred thousand', () => {
  const table = new PlaceTable<Item>();
  for (let i = 0; i < 100_000; i++) table.set(`cam${i % 100}`, `${i}`, new Item(`cam${i % 100}`, `${i}`, i));
  for (let i = 0; i < 100_000; i += 2) table.delete(`cam${i % 100}`, `${i}`);
  let [found, wrong] = [0, 0];
  for (let i = 0; i < 100_000; i++) {
    const item = table.get(`cam${i % 100}`, `${i}`);
    if (item !== undefined) found++;
    if ((item?.version ?? -1) !== (i % 2 ? i : -1)) wrong++;
  }
  expect([found, wrong]).toEqual([50_000, 0]);
});
