import { newUuid } from '../src/support/uuid.js';
import { heldBytes } from '../src/testing/heap.js';

it('a UUID takes the memory of its 36 characters, and not of the twenty parts that Node joins', () => {
  const count = 10_000;
  const all = Array.from({ length: count }, () => '');
  const before = heldBytes();
  for (let i = 0; i < count; i++) all[i] = newUuid();
  expect((heldBytes() - before) / count).toBeLessThan(150);
  expect(new Set(all).size).toBe(count);
  expect(all[0]).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});
