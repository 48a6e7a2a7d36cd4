import { fakeClock } from '@stream-sessions/core/testing';
import { Handovers } from '../src/directory/handovers.js';
import { SILENT } from './support/nodes.js';

const FIVE_MINUTES = 300_000;

/** Handovers of a node with so many viewers, and what is said of them. */
function handoversWith(live: number) {
  const said: unknown[] = [];
  const clock = fakeClock();
  let counted = 0;
  const handovers = new Handovers({
    clock,
    logger: { ...SILENT, warn: (details) => void said.push(details) },
    live: () => live,
    onHandover: () => void counted++,
  });
  const pass = (count: number): void => {
    for (let n = 0; n < count; n++) handovers.add();
    clock.advance(FIVE_MINUTES);
  };
  return { handovers, pass, said, clock, counted: () => counted };
}

it('the log says once that a round-robin balancer costs more than one that hashes', () => {
  const { pass, said, clock, counted } = handoversWith(1_000);
  pass(6_500);
  expect(said).toEqual([{ handovers: 6_500, live: 1_000 }]);
  pass(6_500);
  expect(said).toHaveLength(1);
  expect(counted()).toBe(13_000);
  expect(clock.pending).toBe(0);
});

it('the log says nothing when all viewers move once because a node has joined or left', () => {
  const { pass, said } = handoversWith(1_000);
  pass(1_000);
  pass(0);
  pass(1_000);
  expect(said).toEqual([]);
});

it('the log says nothing about a handful of viewers', () => {
  const { pass, said } = handoversWith(3);
  pass(60);
  expect(said).toEqual([]);
});

it('counting handovers leaves no timer behind', () => {
  const { handovers, clock } = handoversWith(1);
  handovers.stop();
  expect(clock.pending).toBe(0);
});
