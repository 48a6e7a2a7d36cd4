import { Sampler, type Registration } from '../../src/spi.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';

const MANY = 2_500;
const AT_ONCE = 500;
const PART_MS = 200;

let clock: FakeClock;
let sampler: Sampler;
/** How often each was read. */
let reads: number[];
let registrations: Registration[];
const total = () => reads.reduce((sum, each) => sum + each, 0);

/** A connection of nobody: calls this whenever it is read. */
const watch = (read: () => void): Registration =>
  sampler.add({
    handle: { onCut: () => undefined, touch: () => undefined, addReceived: () => undefined, close: () => undefined },
    counters: { sent: () => (read(), 0) },
    destroy: () => undefined,
  });

beforeEach(() => {
  clock = fakeClock();
  sampler = new Sampler(clock);
  reads = new Array<number>(MANY).fill(0);
  registrations = reads.map((_none, i) => watch(() => reads[i]!++));
});
afterEach(() => {
  for (const registration of registrations) registration.close();
  expect(clock.pending).toBe(0);
});

it('the sampler reads many connections in parts, spread over a second', () => {
  clock.advance(1_000);
  for (let part = 1; part <= 5; part++) {
    expect(total()).toBe(part * AT_ONCE);
    clock.advance(PART_MS);
  }
  clock.advance(8_000);
  expect(new Set(reads)).toEqual(new Set([9, 10]));
});

it('the sampler reads each connection, though some end meanwhile', () => {
  clock.advance(1_000);
  // they are read once more as they end: two that were to be read, and one that was
  for (const i of [0, 700, 2_400]) registrations[i]!.close();
  clock.advance(4 * PART_MS);
  const twice = reads.flatMap((count, i) => (count === 1 ? [] : [[i, count]]));
  expect(twice.filter(([, count]) => count !== 2)).toEqual([]);
  expect(twice.some(([i]) => i === 2_400)).toBe(true);
  expect(twice.length).toBeLessThanOrEqual(3);
  clock.advance(PART_MS);
  sampler.sample();
  expect(Math.min(...reads)).toBe(1); // those that ended
});

it('the sampler reads each connection within two seconds, even if others come and go all the time', () => {
  const lastRead = new Map<number, number>();
  let longest = 0;
  const add = (i: number): Registration =>
    watch(() => {
      longest = Math.max(longest, clock.now() - (lastRead.get(i) ?? clock.now()));
      lastRead.set(i, clock.now());
    });
  const others = Array.from({ length: 1_000 }, (_none, i) => add(i));
  for (let step = 0; step < 200; step++) {
    clock.advance(50);
    for (let each = 0; each < 20; each++) {
      const i = (step * 7 + each * 131) % MANY;
      registrations[i]!.close();
      registrations[i] = add(10_000 + step * 20 + each);
    }
  }
  expect(lastRead.size).toBeGreaterThan(1_000);
  expect(longest).toBeGreaterThanOrEqual(1_000);
  expect(longest).toBeLessThanOrEqual(2_000);
  for (const other of others) other.close();
});

it('the sampler starts over when all connections have gone in the middle of a round', () => {
  clock.advance(1_000);
  for (const registration of registrations) registration.close();
  expect(clock.pending).toBe(0);
  let count = 0;
  registrations = [watch(() => count++)];
  clock.advance(3_000);
  expect(count).toBe(3);
});
