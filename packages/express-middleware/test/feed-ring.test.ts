import { Ring } from '../src/sessions-api/feed/ring.js';

const MINUTE = 60_000;

function add(ring: Ring, at: number, about?: string, text = 'x'): number {
  const position = ring.position + 1;
  ring.add({ position, at, type: 'session.updated', kind: 'viewer', streams: ['cam1'], text }, about);
  return ring.position;
}

const positions = (ring: Ring, after: number): number[] | undefined => {
  const entries = ring.after(after);
  return entries && [...entries].map(({ position }) => position);
};

it('the ring of the feed has every event after a position, in order, but only the latest of updates', () => {
  const ring = new Ring();
  add(ring, 0);
  add(ring, 0, 'a');
  add(ring, 0, 'b');
  add(ring, 0, 'a');
  expect(positions(ring, 0)).toEqual([1, 3, 4]);
  expect(positions(ring, 3)).toEqual([4]);
  expect(positions(ring, 4)).toEqual([]);
  expect(positions(ring, 5)).toBeUndefined();
  ring.settle('a');
  add(ring, 0);
  expect(positions(ring, 0)).toEqual([1, 3, 5]);
});

it('the ring of the feed keeps ten thousand events, of five minutes, of 16 MiB', () => {
  const many = new Ring();
  for (let i = 0; i < 10_001; i++) add(many, 0);
  expect(positions(many, 0)).toBeUndefined();
  expect(positions(many, 1_001)).toHaveLength(9_000);

  const old = new Ring();
  add(old, 0);
  add(old, 5 * MINUTE);
  expect(positions(old, 0)).toHaveLength(2);
  add(old, 6 * MINUTE);
  expect([positions(old, 0), positions(old, 1)]).toEqual([undefined, [2, 3]]);

  const long = new Ring();
  for (let i = 0; i < 17; i++) add(long, 0, undefined, 'x'.repeat(1024 * 1024));
  expect([positions(long, 2), positions(long, 3)?.length]).toEqual([undefined, 14]);
});

it('the ring of the feed has room for openings and closings, however often other sessions change', () => {
  const ring = new Ring();
  add(ring, 0);
  for (let i = 0; i < 50_000; i++) add(ring, 0, `viewer ${i % 100}`);
  expect(positions(ring, 0)).toHaveLength(101);
});

it('the ring of the feed resumes from a position after an event that it dropped, and not from one before it', () => {
  const ring = new Ring();
  add(ring, 0);
  ring.pass(2);
  add(ring, 0);
  expect([1, 2, 3].map((after) => positions(ring, after))).toEqual([undefined, [3], []]);
});
