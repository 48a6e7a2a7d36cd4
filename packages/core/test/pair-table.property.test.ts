import fc from 'fast-check';
import { PairTable, type Placed } from '../src/collections/pair-table.js';

class Item implements Placed {
  constructor(
    readonly stream: string,
    readonly groupKey: string,
    readonly version: number,
  ) {}
  matches(stream: string, groupKey: string): boolean {
    return this.stream === stream && this.groupKey === groupKey;
  }
}

const text = fc.constantFrom('', 'a', 'b', 'ab', 'ba', '\u0000', 'ü', '1:a');

it('PairTable agrees with a Map, whatever is set, replaced and deleted', () => {
  const step = fc.record({
    set: fc.boolean(),
    stream: text,
    groupKey: fc.tuple(text, fc.nat(40)).map((p) => p.join('')),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_500, size: 'max' }), (steps) => {
      const table = new PairTable<Item>();
      const model = new Map<string, Item>();
      steps.forEach(({ set, stream, groupKey }, version) => {
        const key = JSON.stringify([stream, groupKey]);
        const item = new Item(stream, groupKey, version);
        if (set) {
          table.set(stream, groupKey, item);
          model.set(key, item);
        } else {
          const known = model.get(key);
          table.delete(stream, groupKey, item); // not the one that is there
          if (table.get(stream, groupKey) !== known) throw new Error(`deleted another than ${key}`);
          if (known !== undefined) table.delete(stream, groupKey, known);
          model.delete(key);
        }
        if (table.get(stream, groupKey) !== model.get(key))
          throw new Error(`after ${set ? 'set' : 'delete'} of ${key}`);
      });
      for (const { stream, groupKey } of steps) {
        if (table.get(stream, groupKey) !== model.get(JSON.stringify([stream, groupKey]))) throw new Error('lost one');
      }
    }),
    { numRuns: 30 },
  );
});

it('PairTable finds and deletes a hundred thousand entries', () => {
  const table = new PairTable<Item>();
  const items = Array.from({ length: 100_000 }, (_, i) => new Item(`cam${i % 100}`, `${i}`, i));
  items.forEach((item, i) => table.set(`cam${i % 100}`, `${i}`, item));
  for (let i = 0; i < 100_000; i += 2) table.delete(`cam${i % 100}`, `${i}`, items[i] as Item);
  let [found, wrong] = [0, 0];
  for (let i = 0; i < 100_000; i++) {
    const item = table.get(`cam${i % 100}`, `${i}`);
    if (item !== undefined) found++;
    if ((item?.version ?? -1) !== (i % 2 ? i : -1)) wrong++;
  }
  expect([found, wrong]).toEqual([50_000, 0]);
});
