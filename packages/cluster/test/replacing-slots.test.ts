import type { SlotAnswer, SlotLimit } from '@stream-sessions/core/spi';
import { until } from '../../../test/support/until.js';
import { slotNodes, type SlotNode } from './support/slot-nodes.js';

const { node, grown } = slotNodes();

const oldest: SlotLimit = { max: 3, graceMs: 10_000, onExceed: 'replace-oldest' };
const newest: SlotLimit = { ...oldest, onExceed: 'replace-newest' };
const taken: SlotAnswer = { isTaken: true };
const replacing = (...replaces: string[]): SlotAnswer => ({ isTaken: true, replaces });

/** Everybody plays. Of three who have slots, "s1" has opened first, and has taken its slot last. */
async function full(limit = oldest): Promise<[SlotNode, SlotNode]> {
  const openedAt = (id: string): number => 1_000 + Number(id.slice(1));
  const nodes = [await node('a', undefined, openedAt), await node('b', undefined, openedAt)] as [SlotNode, SlotNode];
  await grown();
  for (const { slots } of nodes) slots.answer((ids) => ids);
  for (const id of ['s3', 's2', 's1']) expect(await nodes[0].slots.take('eve', id, limit)).toEqual(taken);
  return nodes;
}

it('slots replace by the opening times of visits, and give the same answer whenever they are asked', async () => {
  const [a, b] = await full();
  expect(await b.slots.take('eve', 's4', oldest)).toEqual(replacing('s1'));
  expect(b.slots.chosenOpenedAt('s1')).toBe(1_001);
  expect(await a.slots.take('eve', 's4', oldest)).toEqual(replacing('s1'));
  // the newest by now, and who was to go for it
  expect(await a.slots.take('eve', 's5', newest)).toEqual(replacing('s1', 's4'));
  expect(await b.slots.take('eve', 's6', { ...oldest, onExceed: 'reject' })).toMatchObject({ isTaken: false });
});

it('slots replace each session once only, however many newcomers ask at once', async () => {
  const [a, b] = await full();
  const asked = ['s4', 's5', 's6'].map(async (id, i) => (i % 2 === 0 ? a : b).slots.take('eve', id, oldest));
  const replaced = (await Promise.all(asked)).map((answer) => (answer?.isTaken ? answer.replaces : undefined));
  expect(replaced.map((each) => each?.length)).toEqual([1, 1, 1]);
  expect(replaced.flat().sort()).toEqual(['s1', 's2', 's3']);
});

it('slots count a session again if the newcomer that was to replace it gives its slot back', async () => {
  const [a, b] = await full();
  const { slots } = a;
  expect(await slots.take('eve', 's4', newest)).toEqual(replacing('s3'));
  slots.give('eve', 's4');
  const reject: SlotLimit = { ...oldest, onExceed: 'reject' };
  await until('s3 counts again', async () => {
    const answer = await b.slots.take('eve', 's5', reject);
    return answer?.isTaken === false && !answer.holders.includes('s4');
  });
});

it('slots refuse a session that was replaced, except for a later visit of the same viewer', async () => {
  const [a, b] = await full();
  expect(await b.slots.take('eve', 's4', oldest)).toEqual(replacing('s1'));
  a.slots.give('eve', 's1');
  await until('it cannot', async () => {
    const answer = await a.slots.take('eve', 's1', oldest);
    return answer?.isTaken === false && answer.holders.length === 0;
  });
  const later = await node('c', undefined, () => 5_000);
  expect(await later.slots.take('eve', 's1', oldest)).toEqual(replacing('s2'));
  expect(await b.slots.take('eve', 's6', { ...oldest, onExceed: 'reject' })).toMatchObject({ isTaken: false });
});

describe('of the sessions admitted while they could not be counted, a limit', () => {
  it('ends the oldest, each for one that stays, if the oldest is to be replaced', async () => {
    const [a, b] = await full();
    for (const id of ['s4', 's5', 's6', 's7']) b.slots.hold('eve', id, oldest);
    await until('four have gone', () => a.ended.length + b.ended.length === 4);
    expect(a.ended.sort()).toEqual(['s1 for s7', 's2 for s5', 's3 for s6']);
    expect(b.ended).toEqual(['s4 for s7']);
  });

  it('ends those between the first and the last, for the last, if the newest is to be replaced', async () => {
    const [a, b] = await full(newest);
    for (const id of ['s4', 's5']) b.slots.hold('eve', id, newest);
    await until('two have gone', () => a.ended.length + b.ended.length === 2);
    expect([a.ended, b.ended]).toEqual([['s3 for s5'], ['s4 for s5']]);
  });
});
