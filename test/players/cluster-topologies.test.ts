import { randomUUID } from 'node:crypto';
import { Cluster as IoredisCluster } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import type { RedisClient } from '@stream-sessions/core/spi';
import { connect } from '../support/redis-clients.js';
import { REDIS_PASSWORD, SENTINEL_PASSWORD, startCluster, startSentinels } from '../support/topologies.js';
import { until } from '../support/until.js';
import { BUCKETS, redisLink, type Step } from '@stream-sessions/cluster';
import { namesOf, testMember, type TestMember } from '../../packages/cluster/test/support/members.js';

const NOTE: Step = { name: 'note', lua: `return redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000).ok` };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Opened {
  client: RedisClient;
  close: () => unknown;
}

async function joined(name: string, prefix: string, { client, close }: Opened): Promise<TestMember> {
  const link = redisLink(client, { prefix });
  const made = testMember(link, name);
  ends.push(
    close,
    () => link.close(),
    () => made.member.leave(),
  );
  await made.member.join();
  return made;
}

const denial = (body: string) => ({ id: randomUUID(), until: Date.now() + 3_600_000, body });

it('a cluster works over three Redis masters, with clients of both packages', async () => {
  const cluster = await startCluster();
  ends.push(() => cluster.stop());
  const nodeRedis = createCluster({ rootNodes: cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) });
  nodeRedis.on('error', () => undefined);
  await nodeRedis.connect();
  const ioredis = new IoredisCluster(
    cluster.ports.map((port) => ({ host: '127.0.0.1', port })),
    { lazyConnect: true },
  );
  ioredis.on('error', () => undefined);
  await ioredis.connect();
  const prefix = `test-${randomUUID()}:`;
  const members = [
    await joined('a', prefix, { client: nodeRedis, close: () => nodeRedis.destroy() }),
    await joined('b', prefix, { client: ioredis, close: () => ioredis.disconnect() }),
  ];
  const plain = await connect('redis', cluster.ports[0] as number);
  ends.push(() => plain.close());
  await expect(joined('c', prefix, plain)).rejects.toThrow(/MOVED .* Redis Cluster, so it takes createCluster\(\)/);
  for (const each of members) await until('both are seen', () => namesOf(each).join() === 'a,b');
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    for (const { link } of members) expect(await link.run(NOTE, bucket, ['note'], ['x'])).toBe('OK');
  }
  for (const { member } of members) {
    await member.log.put(denial('Dwhoever'));
    await member.log.say('Shello');
  }
  await until('all was heard', () => members.every(({ said }) => said.length === 4));
  const [a] = members;
  const { missing, answers } = await a!.member.mailbox.ask(a!.member.membership.nodes.living(), 'reached', 4, 10_000);
  expect([missing, answers.map(({ answer }) => answer)]).toEqual([[], [true, true]]);
}, 60_000);

it('nodes stay joined over a Sentinel failover, and no message is lost', async () => {
  const trio = await startSentinels();
  ends.push(() => trio.stop());
  const open = async (): Promise<Opened> => {
    const client = createSentinel({
      name: 'main',
      sentinelRootNodes: trio.sentinels,
      nodeClientOptions: { password: REDIS_PASSWORD },
      sentinelClientOptions: { password: SENTINEL_PASSWORD },
      scanInterval: 500,
    });
    client.on('error', () => undefined);
    await client.connect();
    return { client, close: () => client.destroy() };
  };
  const prefix = `test-${randomUUID()}:`;
  const [a, b] = [await joined('a', prefix, await open()), await joined('b', prefix, await open())];
  const [before, after] = [denial('Dbefore'), denial('Dafter')];
  const put = async ({ member, running }: TestMember, entry: typeof before): Promise<void> => {
    running.push(entry);
    // what cannot be said now is said later
    await member.log.put(entry).catch(() => undefined);
  };
  const know = (each: TestMember, body: string): boolean => [...each.said, ...each.table].includes(body);
  await put(a, before);
  await until('it is heard by both', () => [a, b].every((each) => know(each, 'Dbefore')), 20_000);
  await trio.failOver();
  // The old master takes what it is told until it hears that it is none: that is lost with it, and put back by who has said it.
  await put(b, after);
  await until('both know what was said meanwhile', () => [a, b].every((each) => know(each, 'Dafter')), 40_000);
  await until(
    'both hear each other',
    async () => {
      await b.member.log.say('Shello').catch(() => undefined);
      return [a, b].every(({ said }) => said.includes('Shello'));
    },
    20_000,
    200,
  );
  const later = await joined('c', prefix, await open());
  expect([...later.table, ...later.said]).toEqual(expect.arrayContaining(['Dbefore', 'Dafter']));
}, 120_000);
