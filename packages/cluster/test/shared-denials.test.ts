import { createTracker, type HttpHit, type SessionTracker } from '@stream-sessions/core';
import { clusterPort } from '@stream-sessions/core/spi';
import { connect } from '../../../test/support/redis-clients.js';
import { until } from '../../../test/support/until.js';
import { SharedDenials } from '../src/operator/shared-denials.js';
import { type Cluster, type TestMember } from './support/members.js';
import { clusterOn, oneRedis } from './support/one-redis.js';

let cluster: Cluster;
const trackers: SessionTracker[] = [];
const redis = oneRedis();
clusterOn(redis, (made) => (cluster = made));
afterEach(async () => {
  for (const tracker of trackers.splice(0)) await tracker.stop();
});

interface Node extends TestMember {
  readonly tracker: SessionTracker;
  readonly shared: SharedDenials;
}

/** A tracker whose operator's denials are those of the cluster. Its visits are its own. */
async function node(name: string, join = true): Promise<Node> {
  const tracker = createTracker({ fingerprintKey: 'a key of at least thirty-two letters' });
  trackers.push(tracker);
  const port = clusterPort(tracker);
  const made = await cluster.member(name, {
    onSaid: (body) => void shared.onSaid(body),
    onTable: (portions) => shared.onTable(portions),
  });
  const { member } = made;
  const shared: SharedDenials = new SharedDenials({
    port,
    put: (running) => member.log.put(running),
    clockOffsetMs: () => member.membership.nodes.clockOffsetMs,
    now: () => member.membership.nodes.now(),
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  port.join({
    isAlone: true,
    whenAlone: 'local',
    timeLimitMs: 250,
    find: async () => undefined,
    settled: () => undefined,
    changed: () => undefined,
    left: () => undefined,
    denied: (record) => shared.denied(record),
    lifted: (id) => shared.lifted(id),
    replaced: () => undefined,
  });
  if (join) await member.join();
  return { ...made, tracker, shared };
}

const hit = (over: Partial<HttpHit> = {}): HttpHit => ({
  ...{ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', userAgent: 'player/1.0', token: 'eve' },
  ...over,
});

async function admits({ tracker }: Node, over?: Partial<HttpHit>): Promise<boolean> {
  const { admitted } = await tracker.admit(hit(over));
  return admitted;
}

/** What was said there last has been heard here. */
const heard = async (from: Node, to: Node): Promise<void> => to.member.log.reached((await from.shared.said()) ?? 0);

it('a damaged denial in the log or the table holds up neither those after it nor who joins', async () => {
  const [a, b] = [await node('a'), await node('b')];
  const until = a.member.membership.nodes.now() + 3_600_000;
  for (const [id, json] of Object.entries({ cut: '{"id":"cu', null: 'null', text: '"x"', empty: '{}' })) {
    await a.member.log.put({ id, until, body: `D${id} ${json}` });
  }
  a.tracker.deny({ token: 'eve' });
  await heard(a, b);
  const c = await node('c');
  for (const each of [a, b, c]) {
    expect(await admits(each)).toBe(false);
    expect(await admits(each, { token: 'bob' })).toBe(true);
    expect(each.tracker.denials()).toHaveLength(1);
  }
});

it('a viewer denied on one node is refused on every node until the denial is lifted on any', async () => {
  const [a, b, c] = [await node('a'), await node('b'), await node('c')];
  expect(await admits(c)).toBe(true);
  const cut: string[] = [];
  c.tracker.on('closed', ({ reason }) => void cut.push(reason));
  const { id } = a.tracker.deny({ token: 'eve' }, { reason: 'enough' });
  for (const each of [b, c]) await heard(a, each);
  expect(cut).toEqual(['denied']);
  for (const each of [a, b, c]) {
    expect(await admits(each)).toBe(false);
    expect(await admits(each, { token: 'bob' })).toBe(true);
    expect(each.tracker.denials()).toMatchObject([{ id, by: 'deny', detail: 'enough' }]);
  }
  expect(b.tracker.liftDenial(id)).toBe(true);
  for (const each of [a, c]) await heard(b, each);
  for (const each of [a, b, c]) expect(await admits(each)).toBe(true);
});

it('a viewer kicked on one node is cut on every node and stays out, and a neighbour is left alone', async () => {
  const [a, b] = [await node('a'), await node('b')];
  const neighbour = { token: 'bob' };
  for (const each of [a, b]) for (const over of [{}, neighbour]) expect(await admits(each, over)).toBe(true);
  const closed: string[] = [];
  b.tracker.on('closed', ({ session, reason }) => void closed.push(`${session.id} ${reason}`));
  const kicked = a.tracker.list()[0]?.id ?? '';
  // nodes measure how far their clocks are apart to within the time of a question, and newcomers are not meant
  const begun = Date.now();
  await until('they are no newcomers', () => Date.now() > begun + 100);
  expect(a.tracker.kick(kicked)).toBe(true);
  await heard(a, b);
  expect(closed).toEqual([`${kicked} kicked`]);
  const wereAdmitted = await Promise.all([a, b].flatMap((each) => [admits(each), admits(each, neighbour)]));
  expect(wereAdmitted.filter(Boolean)).toHaveLength(2);
  expect(wereAdmitted.slice(0, 2)).toEqual(wereAdmitted.slice(2));
});

it('denials reach a node that joins later before it admits anyone, and its own denials reach all nodes', async () => {
  const a = await node('a');
  a.tracker.deny({ ip: '203.0.113.0/24' });
  await a.shared.said();
  const b = await node('b', false);
  b.tracker.deny({ user: 'mallory' });
  expect(await admits(b)).toBe(true);
  await b.member.join();
  expect(await admits(b, { token: 'new' })).toBe(false);
  await until('the other has heard it', () => a.tracker.denials().length === 2);
});

it('a target that was denied twice is let in everywhere once that is lifted, also by a node that joins later', async () => {
  const [a, b] = [await node('a'), await node('b')];
  const first = a.tracker.deny({ token: 'eve' }, { forMs: 3_600_000 });
  await heard(a, b);
  const second = b.tracker.deny({ token: 'eve' }, { forMs: 60_000 });
  await heard(b, a);
  // the later of the two ends applies; the clocks agree within milliseconds
  expect(a.tracker.denials()).toMatchObject([{ id: second.id }]);
  expect(Math.abs((a.tracker.denials()[0]?.until ?? 0) - first.until)).toBeLessThan(2_000);
  expect(a.tracker.liftDenial({ token: 'eve' })).toBe(true);
  await heard(a, b);
  const c = await node('c');
  for (const each of [a, b, c]) expect(await admits(each)).toBe(true);
});

it('a target that two nodes deny at once is let in everywhere once either of them lifts it', async () => {
  const [a, b] = [await node('a'), await node('b')];
  a.tracker.deny({ token: 'eve' });
  b.tracker.deny({ token: 'eve' });
  await heard(a, b);
  await heard(b, a);
  const c = await node('c');
  for (const each of [a, b, c]) expect(await admits(each)).toBe(false);
  expect(a.tracker.liftDenial({ token: 'eve' })).toBe(true);
  await heard(a, b);
  await heard(a, c);
  const d = await node('d');
  for (const each of [a, b, c, d]) expect(await admits(each)).toBe(true);
});

it('denials that were in force cut the viewers of a node that joins, and nobody else', async () => {
  const a = await node('a');
  for (let n = 0; n < 300; n++) a.tracker.deny({ token: `bad-${n}` });
  a.tracker.deny({ userAgent: 'scraper/2' });
  await a.shared.said();
  const b = await node('b', false);
  for (let n = 0; n < 600; n++) await admits(b, { token: `bad-${n}`, ip: `198.51.100.${n % 250}` });
  await admits(b, { token: 'other', userAgent: 'scraper/2' });
  const closed: string[] = [];
  b.tracker.on('closed', ({ reason }) => void closed.push(reason));
  await b.member.join();
  expect(closed).toEqual(Array.from({ length: 301 }, () => 'denied'));
  expect(b.tracker.list({ status: 'active' })).toHaveLength(300);
});

it('denials still apply while Redis is away, and everywhere after it has come back empty', async () => {
  const [a, b] = [await node('a'), await node('b')];
  a.tracker.deny({ token: 'eve' });
  await heard(a, b);
  await redis.kill();
  b.tracker.deny({ token: 'mallory' });
  const lifted = b.tracker.deny({ token: 'lifted' });
  expect(b.tracker.liftDenial(lifted.id)).toBe(true);
  expect(await admits(b)).toBe(false);
  await redis.restart();
  await until('all know all', async () => !(await admits(a, { token: 'mallory' })));
  const c = await node('c');
  await until('who comes later, too', () => c.tracker.denials().length === 2);
  expect(await admits(c)).toBe(false);
  expect(await admits(c, { token: 'lifted' })).toBe(true);
});

it('denials keep no token and no name of a player in Redis', async () => {
  const a = await node('a');
  await admits(a, { token: 'a-secret-token', sid: 'a-secret-sid' });
  await admits(a, { token: undefined, sid: 'a-secret-sid', ip: '198.51.100.7' });
  for (const { id } of a.tracker.list()) a.tracker.kick(id);
  a.tracker.deny({ token: 'a-secret-token' });
  await a.shared.said();
  const aside = await connect('redis', redis.port);
  const keys = (await aside.ask('KEYS', `${cluster.prefix}*`)) as string[];
  const dumps = await Promise.all(keys.map((key) => aside.ask('EVAL', DUMP_TEXT, '1', key)));
  expect(dumps.length).toBeGreaterThan(20);
  expect(dumps.join()).toContain('kicked');
  expect(dumps.join()).not.toContain('a-secret');
});

/** All that is in a key, as text. */
const DUMP_TEXT = `
local type = redis.call('TYPE', KEYS[1]).ok
if type == 'string' then return redis.call('GET', KEYS[1]) end
if type == 'hash' then return table.concat(redis.call('HVALS', KEYS[1]), ' ') end
if type == 'zset' then return table.concat(redis.call('ZRANGE', KEYS[1], 0, -1), ' ') end
local texts = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do texts[#texts + 1] = entry[2][2] end
return table.concat(texts, ' ')`;
