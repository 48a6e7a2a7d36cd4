import { closeClients, connect, type OpenClient } from '../support/redis-clients.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { ClusterNodes, viewer, type ClusterNode, type Row } from './support/cluster-nodes.js';
import { startSlowProxy, type SlowProxy } from './support/slow-proxy.js';

const HOUR_MS = 3_600_000;
const LATENCY_MS = 200;
/** As `timeLimitMs` is by default. */
const TIME_LIMIT_MS = 250;

let redis: RedisServer;
let aside: OpenClient;
let nodes: ClusterNodes;
let proxy: SlowProxy | undefined;
beforeEach(async () => {
  nodes = new ClusterNodes();
  redis = await startRedis();
  aside = await connect('redis', redis.port);
});
afterEach(async () => {
  await nodes.end();
  await proxy?.stop();
  closeClients();
  await redis.stop();
});

it('a cluster has the right times and denials if the clock of one process is an hour ahead', async () => {
  const options = { leaseMs: 3_000, idleTimeoutMs: 2_500 };
  const [right, wrong] = await Promise.all([
    nodes.start({ port: redis.port }, options),
    nodes.start({ port: redis.port }, options, HOUR_MS),
  ]);
  await nodes.allSeen();
  const before = Date.now();
  for (let n = 0; n < 10; n++) await wrong.play(viewer('eve', n));
  for (let n = 5; n < 15; n++) await right.play(viewer('eve', n));
  const after = Date.now();
  await nodes.settled(15, [aside]);
  const isNow = (at: number) => at >= before - 1_000 && at <= after + 1_000;
  for (const node of [right, wrong]) {
    expect((await node.ask<Row[]>('list')).filter(({ openedAt }) => !isNow(openedAt))).toEqual([]);
  }
  const health = await wrong.ask<{ clockOffsetMs: number }>('health');
  expect(Math.abs(health.clockOffsetMs + HOUR_MS)).toBeLessThan(1_000);
  const apart = async () => (await right.ask<{ clocksApart: string[] }>('health')).clocksApart.join() === wrong.name;
  await until('the other one says whose clock is wrong', apart);
  await nodes.settled(0, [aside]);
  const ends = nodes.told.filter(({ type }) => type === 'session.closed');
  expect(ends.map(({ payload }) => payload['reason'])).toEqual(Array(15).fill('idle'));
  expect(ends.filter(({ payload }) => !isNow(Date.parse(payload['closed_at']) - options.idleTimeoutMs))).toEqual([]);
  // for a minute, from either
  await wrong.ask('deny', { user: 'mallory' }, { forMs: 60_000 });
  await right.ask('deny', { user: 'trudy' }, { forMs: 60_000 });
  for (const user of ['mallory', 'trudy']) {
    for (const node of [right, wrong]) {
      await until('it is denied there', async () => (await node.play(viewer(user, 1))) === 403);
    }
  }
  await right.ask('deny', { user: 'victor' }, { forMs: 1_500 });
  expect(await wrong.play(viewer('victor', 1))).toBe(403);
  await until('a short denial ends there', async () => (await wrong.play(viewer('victor', 1))) === 200);
  await nodes.settled(1, [aside]);
});

it('newcomers wait no longer than the limit if each answer of Redis takes 200 ms', async () => {
  proxy = await startSlowProxy(redis.port, LATENCY_MS);
  const options = { idleTimeoutMs: 3_000, timeLimitMs: TIME_LIMIT_MS, leaseMs: 10_000 };
  const [far, near] = await Promise.all([
    nodes.start({ port: proxy.port }, options),
    nodes.start({ port: redis.port }, options),
  ]);
  await nodes.allSeen();
  const took = async (node: ClusterNode, n: number): Promise<number> => {
    const from = Date.now();
    expect(await node.play(viewer('eve', n))).toBe(200);
    return Date.now() - from;
  };
  await took(far, 0);
  const newcomers: number[] = [];
  const known: number[] = [];
  for (let n = 1; n <= 20; n++) {
    newcomers.push(await took(far, n));
    known.push(await took(far, n));
    await near.play(viewer('eve', n));
  }
  const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[all.length / 2] as number;
  expect(median(newcomers)).toBeGreaterThan(LATENCY_MS - 10);
  // a busy machine takes its time for any answer
  expect(median(newcomers) - median(known)).toBeLessThan(TIME_LIMIT_MS + 100);
  expect(median(known)).toBeLessThan(LATENCY_MS - 10);
  proxy.latencyMs = 6 * TIME_LIMIT_MS;
  const late = await Promise.all(Array.from({ length: 20 }, (_, n) => took(far, 100 + n)));
  expect(median(late)).toBeGreaterThan(TIME_LIMIT_MS - 10);
  expect(median(late)).toBeLessThan(4 * TIME_LIMIT_MS);
  await nodes.settled(0, [aside]);
  expect(nodes.idsOf('opened').size).toBe(41);
});
