import { passBook, passPolicy, PASS_TYPES, redisPassStore, type PassBook } from '@stream-sessions/passes';
import { connect } from '../../../test/support/redis-clients.js';
import { pace, until } from '../../../test/support/until.js';
import { ask, type Node, type Nodes } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';

let nodes: Nodes;
const books: PassBook[] = [];
const redis = oneRedis();
// before that, it is looked whether all keys that are left expire
afterEach(async () => {
  for (const book of books.splice(0)) await book.close();
  await nodes.end();
  const aside = await connect('redis', redis.port);
  const kept = (await aside.ask('KEYS', '*passes:*')) as string[];
  if (kept.length > 0) await aside.ask('DEL', ...kept);
});
nodesOn(redis, (made) => (nodes = made));

const { time, data } = PASS_TYPES;
const TICK_MS = 200;

/** Nodes of a cluster that share a store of passes. */
async function selling(count: number): Promise<Node[]> {
  const all: Node[] = [];
  for (let n = 0; n < count; n++) {
    const { client } = await connect(n % 2 === 0 ? 'redis' : 'ioredis', redis.port);
    const store = redisPassStore(client, { prefix: `${nodes.prefix}passes:` });
    const book = passBook({ store, saveEveryMs: TICK_MS });
    books.push(book);
    all.push(await nodes.add({ policies: [passPolicy(book)] }, { leaseMs: 1_500 }));
  }
  await nodes.allSeen();
  return all;
}

/** One segment from each node in turn, until it is refused. Returns how long that took, and why it ended. */
async function playByTurns(all: readonly Node[], token: string, bytes = 1_000) {
  const begunAt = Date.now();
  for (let n = 0; ; n++) {
    const admission = await ask(all[n % all.length] as Node, { token });
    if (!admission.admitted) return { ms: Date.now() - begunAt, reason: admission.denial.reason, segments: n };
    admission.handle.end(bytes);
    await pace(50);
  }
}

it('an owner who alternates between two nodes is billed once, and refused on both when the pass is used up', async () => {
  const all = await selling(2);
  const [a, b] = books as [PassBook, PassBook];
  const { id } = await a.create('ann', { type: time, timeSecs: 3 });
  const { ms, reason } = await playByTurns(all, 'ann');
  expect(reason).toBe('quota_time');
  expect(ms).toBeGreaterThan(2_900);
  expect(ms).toBeLessThan(4_500);
  for (const node of all) {
    expect(await ask(node, { token: 'ann' })).toMatchObject({ admitted: false, denial: { reason: 'quota_time' } });
  }
  for (const book of [a, b]) await book.save();
  const after = await b.get(id);
  expect(after?.timeCons).toBeGreaterThanOrEqual(3);
  expect(after?.timeCons).toBeLessThan(3 + TICK_MS / 1e3);
  // whoever sells more, all let in
  await b.topUp(id, { timeSecs: 1 });
  expect((await ask(all[0] as Node, { token: 'ann' })).admitted).toBe(true);
  expect((await playByTurns(all, 'ann')).reason).toBe('quota_time');
  for (const book of [a, b]) await book.save();
  expect((await a.get(id))?.timeCons).toBeGreaterThanOrEqual(4);
});

it('an open request on one node is cut when the pass was used up on another', async () => {
  const all = await selling(2);
  const [a] = books as [PassBook];
  await a.create('ann', { type: data, dataMb: 2 });
  const open = await ask(all[0] as Node, { token: 'ann', ip: '192.0.2.1' });
  if (!open.admitted) throw new Error('refused');
  open.handle.touch(1_000);
  const { segments } = await playByTurns([all[1] as Node], 'ann', 100_000);
  // 20 segments, and what may come in a tick
  expect(segments).toBeLessThan(30);
  await until('it is cut', () => open.handle.signal.aborted);
});

it('a top-up on one node reaches a pass that is in use on another', async () => {
  const all = await selling(2);
  const [a, b] = books as [PassBook, PassBook];
  const { id } = await a.create('ann', { type: time, timeSecs: 2 });
  const played = playByTurns([all[0] as Node], 'ann');
  await until('it plays', async () => (await b.get(id))?.startedAt !== null);
  await b.topUp(id, { timeSecs: 1 });
  const { ms } = await played;
  expect(ms).toBeGreaterThan(2_900);
});

it('the store is at most a tick behind what was watched, so a node that dies loses no more', async () => {
  const all = await selling(2);
  const [, b] = books as [PassBook, PassBook];
  const { id } = await b.create('ann', { type: time, timeSecs: 60 });
  const begunAt = Date.now();
  let seenAt = begunAt;
  for (let n = 0; n < 20; n++) {
    const admission = await ask(all[0] as Node, { token: 'ann' });
    if (admission.admitted) admission.handle.end(1_000);
    seenAt = Date.now();
    await pace(50);
  }
  const { timeCons } = (await b.get(id)) as { timeCons: number };
  expect(timeCons * 1_000).toBeGreaterThan(seenAt - begunAt - 3 * TICK_MS);
  expect(timeCons * 1_000).toBeLessThanOrEqual(Date.now() - begunAt + TICK_MS);
});
