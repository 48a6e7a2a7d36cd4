import type { SlotAnswer } from '@stream-sessions/core/spi';
import { connect } from '../../../test/support/redis-clients.js';
import { until } from '../../../test/support/until.js';
import { LEASE_MS } from './support/members.js';
import { hash, slotNodes } from './support/slot-nodes.js';

const { redis, node, prefix, grown } = slotNodes();

const limit = { max: 3, graceMs: 10_000 };
const full = (...holders: string[]): SlotAnswer => ({ isTaken: false, holders });
const taken: SlotAnswer = { isTaken: true };

it('slots are not given out while their holders are unknown, and then exactly as many as there are', async () => {
  const a = await node('a');
  // at once: the bucket is as young as this node
  expect(await a.slots.take('eve', 's', limit)).toBeUndefined();
  const b = await node('b');
  const nodes = [a, b, await node('c'), await node('d')];
  await grown();
  for (const { slots } of nodes) slots.answer((ids) => ids);
  const answers = await Promise.all(
    Array.from({ length: 250 }, (_, n) => nodes.map(({ slots }, i) => slots.take('eve', `s${n}-${i}`, limit))).flat(),
  );
  expect(answers.filter((answer) => answer?.isTaken)).toHaveLength(3);
  expect(answers.filter((answer) => answer === undefined)).toEqual([]);
  const { holders } = (await b.slots.take('eve', 'late', limit)) as SlotAnswer & {
    readonly holders: readonly string[];
  };
  expect(holders).toHaveLength(3);
  // one that has a slot has it on every node
  expect(await b.slots.take('eve', holders[0] ?? '', limit)).toEqual(taken);
  expect(await a.slots.take('bob', 'other', limit)).toEqual(taken);
});

it('a slot is free again when all nodes have given it back, or have died', async () => {
  const [a, b, c] = [await node('a'), await node('b'), await node('c')];
  await grown();
  for (const { slots } of [a, b, c]) slots.answer((ids) => ids);
  const one = { max: 1, graceMs: 10_000 };
  expect(await a.slots.take('eve', 's', one)).toEqual(taken);
  expect(await b.slots.take('eve', 's', one)).toEqual(taken);
  a.slots.give('eve', 's');
  await until('a has given it back', async () => ((await cardOf('eve')) as number) === 1);
  expect(await c.slots.take('eve', 't', one)).toEqual(full('s'));
  await b.link.close(); // it has died
  await until('its lease has ended', async () => (await c.slots.take('eve', 't', one))?.isTaken === true, 4 * LEASE_MS);
});

it('the slot of a quiet session goes to another, if all its holders say that it is quiet', async () => {
  const [a, b, c] = [await node('a'), await node('b'), await node('c')];
  await grown();
  const plays = new Set(['s', 't', 'u']);
  for (const { slots } of [a, c]) slots.answer((ids) => ids.filter((id) => plays.has(id)));
  let onB: readonly string[] = ['s'];
  b.slots.answer(() => onB);
  for (const id of ['s', 't', 'u']) expect(await a.slots.take('eve', id, limit)).toEqual(taken);
  expect(await b.slots.take('eve', 's', limit)).toEqual(taken);
  plays.delete('s');
  expect(await c.slots.take('eve', 'v', limit)).toEqual(full('s', 't', 'u'));
  onB = [];
  expect(await c.slots.take('eve', 'v', limit)).toEqual(taken);
  for (const each of [a, b]) await until('it is told to go', () => each.ended.includes('s idle'));
});

it('the slot of a session whose visit is about to open is kept: it does not play yet, and is not quiet', async () => {
  let isOpen = false;
  const [a, b] = [await node('a', () => isOpen), await node('b')];
  await grown();
  for (const { slots } of [a, b]) slots.answer(() => []);
  const one = { max: 1, graceMs: 10_000 };
  expect(await a.slots.take('eve', 's', one)).toEqual(taken);
  expect(await b.slots.take('eve', 't', one)).toEqual(full('s'));
  isOpen = true;
  expect(await b.slots.take('eve', 't', one)).toEqual(taken);
  await until('it is told to go', () => a.ended.includes('s idle'));
});

it('slots have their holders back when Redis comes back empty, and end the excess ones, newest first', async () => {
  const [a, b] = [await node('a'), await node('b')];
  await grown();
  for (const { slots } of [a, b]) slots.answer((ids) => ids);
  for (const id of ['first', 'second']) expect(await a.slots.take('eve', id, { max: 2, graceMs: 1 })).toEqual(taken);
  const aside = await connect('redis', redis.port);
  await aside.ask('DEL', `${prefix()}{${bucketOf('eve')}}:slots-${hash('eve').slice(0, 11)}`);
  // as it would be if a node had decided alone
  expect(await b.slots.take('eve', 'third', { max: 2, graceMs: 1 })).toEqual(taken);
  await aside.ask('FLUSHALL');
  await until('the newest has gone', () => b.ended.includes('third limit'), 6 * LEASE_MS);
  expect(a.ended).toEqual([]);
});

const bucketOf = (key: string): number => (64 * hash(key).charCodeAt(0) + hash(key).charCodeAt(1)) % 16;

async function cardOf(key: string): Promise<unknown> {
  const aside = await connect('redis', redis.port);
  return aside.ask('ZCARD', `${prefix()}{${bucketOf(key)}}:slots-${hash(key).slice(0, 11)}`);
}
