import { growOld } from '../../packages/cluster/test/support/redis-links.js';
import { closeClients, connect, type OpenClient } from '../support/redis-clients.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { ClusterNodes, viewer, type ClusterNode, type Row } from './support/cluster-nodes.js';

const OPENINGS = 1_000;
const LIMIT = { max: 3, whenAlone: 'refuse', leaseMs: 3_000 } as const;

let redis: RedisServer;
let aside: OpenClient;
let nodes: ClusterNodes;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  nodes = new ClusterNodes();
  aside = await connect('redis', redis.port);
  const kinds = ['redis', 'ioredis', 'redis', 'ioredis'] as const;
  await Promise.all(kinds.map((kind) => nodes.start({ port: redis.port, kind }, LIMIT)));
  await nodes.allSeen();
  // a cluster that has just begun does not know who has slots
  await growOld(aside, nodes.prefix);
});
afterEach(async () => {
  await nodes.end();
  closeClients();
});
afterAll(() => redis?.stop());

const race = (user: string): Promise<number>[] =>
  Array.from({ length: OPENINGS }, (_, n) => (nodes.all[n % 4] as ClusterNode).play(viewer(user, n)));

it('of 1,000 devices of one user that open at four processes at once, three are admitted', async () => {
  const statuses = await Promise.all(race('eve'));
  expect(statuses.filter((status) => status === 200)).toHaveLength(3);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  await nodes.settled(3, [aside]);
  await nodes.all[1]?.ask('kickAll');
  await nodes.settled(0, [aside]);
});

it('no more than three are admitted if a process is killed in the middle, and its slot is given out again', async () => {
  const dead = nodes.all[3] as ClusterNode;
  expect(await dead.play(viewer('eve', OPENINGS))).toBe(200);
  const answers = race('eve').map((status) => status.then((each) => ({ isIn: each === 200, at: Date.now() })));
  await Promise.race(answers.filter((_, n) => n % 4 === 3).slice(20));
  const killedAt = Date.now();
  dead.child.kill('SIGKILL');
  const admitted = (await Promise.all(answers)).map((each, n) => ({ ...each, n })).filter(({ isIn }) => isIn);
  // one was in before, and the places of the dead one are taken until its lease ends
  expect(admitted.filter(({ at }) => at < killedAt + LIMIT.leaseMs / 2).length).toBeLessThanOrEqual(2);
  expect(admitted.filter(({ n }) => n % 4 !== 3).length).toBeLessThanOrEqual(3);
  const lost = () => nodes.told.filter(({ payload }) => payload['reason'] === 'lost');
  await until('what it had is lost', () => lost().length > 0);
  for (let n = 1; n <= 30; n++) await nodes.living[n % 3]?.play(viewer('eve', OPENINGS + n));
  await nodes.settled(3, [aside], true);
  const rows = (await nodes.living[0]?.ask<Row[]>('list')) ?? [];
  expect(rows.map(({ userId }) => userId)).toEqual(['eve', 'eve', 'eve']);
});
