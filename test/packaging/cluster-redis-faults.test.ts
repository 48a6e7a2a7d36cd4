import { growOld } from '../../packages/cluster/test/support/redis-links.js';
import { closeClients, connect, type OpenClient } from '../support/redis-clients.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { Load } from './support/cluster-load.js';
import { ClusterNodes, viewer, type ClusterNode, type NodeOptions, type Row } from './support/cluster-nodes.js';

const USERS = 10;
const LIMIT = 2;
const OPTIONS = { max: LIMIT, whenAlone: 'refuse', idleTimeoutMs: 4_000 } as const;
/** Each user has a device more than may watch. */
const VIEWERS = { users: USERS, devices: LIMIT + 1, everyMs: 150 };

let redis: RedisServer;
let aside: OpenClient;
let nodes: ClusterNodes;
let load: Load | undefined;
beforeEach(async () => {
  nodes = new ClusterNodes();
  redis = await startRedis();
  aside = await connect('redis', redis.port);
});
afterEach(async () => {
  await load?.stop();
  load = undefined;
  await nodes.end();
  closeClients();
  await redis.stop();
});

async function start(options: NodeOptions = {}): Promise<[ClusterNode, ClusterNode, ClusterNode]> {
  const join = (kind: 'redis' | 'ioredis') => nodes.start({ port: redis.port, kind }, { ...OPTIONS, ...options });
  const started = await Promise.all([join('redis'), join('ioredis'), join('redis')]);
  await nodes.allSeen();
  await growOld(aside, nodes.prefix);
  return started;
}

/** How many visits each user has. */
async function users(node: ClusterNode): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { userId } of (await node.ask<Row[]>('list')) ?? []) counts.set(userId, (counts.get(userId) ?? 0) + 1);
  return counts;
}

const aboveLimit = async (node: ClusterNode) => [...(await users(node)).values()].filter((count) => count > LIMIT);

it('limits hold and visits are reported once while scripts are flushed and connections are killed', async () => {
  const [a] = await start();
  load = new Load(nodes, VIEWERS);
  for (let round = 0; round < 10; round++) {
    await load.goesOn(30);
    await aside.ask('SCRIPT', 'FLUSH');
    await load.goesOn(30);
    await aside.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  }
  await load.goesOn();
  await nodes.settled(USERS * LIMIT, [aside]);
  expect(await aboveLimit(a)).toEqual([]);
  await load.stop();
  await nodes.settled(0, [aside]);
});

it('visits, limits and denials continue if Redis is killed under load and comes back empty', async () => {
  const [a, b, c] = await start();
  await a.ask('deny', { user: 'eve' });
  load = new Load(nodes, VIEWERS);
  await load.goesOn();
  await nodes.settled(USERS * LIMIT, [aside]);
  await redis.kill();
  await load.goesOn();
  await redis.restart();
  load.join(viewer('bob', 1));
  await until('slots are given out again', async () => (await users(b)).has('bob'));
  const d = await nodes.start({ port: redis.port }, OPTIONS);
  for (const node of [a, b, c, d]) expect(await node.play(viewer('eve', 1))).toBe(403);
  await nodes.settled(USERS * LIMIT + 1, [aside]);
  await load.stop();
  await nodes.settled(0, [aside]);
});

it('if Redis is out of memory, the cluster says so, refuses newcomers, and recovers', async () => {
  const [a, b] = await start();
  load = new Load(nodes, VIEWERS);
  await load.goesOn();
  await nodes.settled(USERS * LIMIT, [aside]);
  await aside.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1');
  const isAlone = async () => (await a.ask<{ isAlone: boolean }>('health'))?.isAlone;
  await until('its lease ends', isAlone);
  expect(await a.play(viewer('bob', 1))).toBe(503);
  expect((await a.ask<string[]>('warnings'))?.join()).toContain('maxmemory');
  await load.goesOn();
  await aside.ask('CONFIG', 'SET', 'maxmemory', '0');
  await until('it has joined anew', async () => (await b.ask<string[]>('nodes'))?.length === 3 && !(await isAlone()));
  load.join(viewer('bob', 1));
  await until('newcomers are let in', async () => (await users(a)).has('bob'));
  await nodes.settled(USERS * LIMIT + 1, [aside], true);
  expect(await aboveLimit(a)).toEqual([]);
  await load.stop();
  await nodes.settled(0, [aside], true);
});

it('denials reach a suspended process although the log was trimmed meanwhile', async () => {
  const [a, b] = await start({ leaseMs: 10_000 });
  a.child.kill('SIGSTOP');
  for (let n = 0; n < 20; n++) await b.ask('deny', { user: `eve${n}` });
  await aside.ask('XTRIM', `${nodes.prefix}{0}:log`, 'MAXLEN', '0');
  a.child.kill('SIGCONT');
  for (let n = 0; n < 20; n++) await until('it has it', async () => (await a.play(viewer(`eve${n}`, 1))) === 403);
  expect(await a.ask('denials')).toBe(20);
  await nodes.settled(0, [aside]);
});
