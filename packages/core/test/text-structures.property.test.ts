import fc from 'fast-check';
import { TextIndex } from '../src/collections/text-index.js';
import { TextStore } from '../src/collections/text-store.js';

describe('TextIndex', () => {
  const texts = ['', 'a', 'b', 'viewer stream,ip 4:cam1', 'viewer stream,ip 4:cam2', 'ünï', '\ud83d\ude00', '\ud83d'];
  const max = 3;

  it('has for each text the numbers added to it, the latest first, and at most one above its limit', () => {
    const step = fc.tuple(fc.constantFrom(...texts), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = new TextIndex(max);
        const model = new Map<string, number[]>(texts.map((text) => [text, []]));
        for (const [text, value] of steps) {
          index.add(text, value);
          const values = model.get(text) ?? [];
          if (!values.includes(value) && values.length <= max) values.unshift(value);
        }
        for (const [text, values] of model) expect(index.all(text)).toEqual(values);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps the last of fifty thousand numbers that were set, beyond 32 bits, in twenty thousand texts', () => {
    const index = new TextIndex();
    const model = new Map<string, number>();
    for (let n = 0; n < 50_000; n++) {
      const [text, value] = [`session/${(n * 7919) % 20_000}`, 2 ** 40 + n];
      index.set(text, value);
      model.set(text, value);
    }
    expect([...model.keys()].filter((text) => index.get(text) !== model.get(text))).toEqual([]);
    expect(index.get('session/never')).toBeUndefined();
  });
});

describe('TextStore', () => {
  it('gives back each text as it was, whatever its length, and knows whether it holds a text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 1_500_000 }).map((length) => 'x'.repeat(length)),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 30 }), (all) => {
        const store = new TextStore();
        // not in their order
        for (const n of [...all.keys()].reverse()) store.set(n, all[n] as string);
        store.set(0, 'another');
        for (const n of [...all.keys()].slice(1)) {
          expect(store.get(n) === all[n]).toBe(true);
          const part = (all[n] as string).slice(-20);
          expect(store.includes(n, Buffer.from(part))).toBe(Buffer.from(all[n] as string).includes(Buffer.from(part)));
          expect(store.includes(n, Buffer.from(`${all[n] as string}!`))).toBe(false);
        }
        expect(store.get(0)).toBe('another');
        expect(store.includes(0, Buffer.from('noth'))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
