import { randomUUID } from 'node:crypto';
import { Cluster } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import { createManager, Session, type Manager, type Storage } from '@stream-sessions/session-store';
import { redisStorage, type RedisClient, type RedisConfig } from '@stream-sessions/session-store/redis';
import { until } from '../../../test/support/until.js';
import type { RedisSettings } from '../src/redis/config.js';
import { connectWith } from '../src/redis/connect-redis.js';
import { ioredisClient, nodeRedisClient } from '../src/redis/open-client.js';
import { clientKinds, type ClientKind } from '../../../test/support/redis-clients.js';
import {
  REDIS_PASSWORD,
  SENTINEL_PASSWORD,
  startCluster,
  startSentinels,
  type SentinelTrio,
} from '../../../test/support/topologies.js';

const openers = {
  redis: async (settings: RedisSettings) => nodeRedisClient(await import('redis'), settings),
  ioredis: async (settings: RedisSettings) => ioredisClient(await import('ioredis'), settings),
};
const connectBy = (kind: ClientKind, config: RedisConfig): Promise<Storage> =>
  connectWith(config, { [kind]: openers[kind] });

/** Everything once, with many keys. */
async function works(manager: Manager): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: 20 }, () => manager.create()));
  const ids = sessions.map(({ id }) => id);
  for (const session of sessions) session.setMetadata('a', '1');
  expect(await Promise.all(sessions.map((session) => manager.update(session)))).toEqual(ids.map(() => true));
  expect((await Promise.all(ids.map((id) => manager.get(id)))).map((session) => session?.metadata)).toEqual(
    ids.map(() => ({ a: '1' })),
  );
  const id = ids[0] as string;
  await manager.upsertSession(new Session(id));
  await expect(manager.addWithId(id)).rejects.toMatchObject({ code: 'ERR_SESSION_EXISTS' });
  const ranged: string[] = [];
  await manager.range((one) => void ranged.push(one));
  expect(ranged.sort()).toEqual(ids.sort());
  expect(await manager.count()).toBe(20);
  await Promise.all(ids.map((one) => manager.delete(one)));
  expect(await manager.count()).toBe(0);
}

const keyPrefix = () => `test:${randomUUID()}:`;

describe('Redis behind three Sentinels with credentials of their own', () => {
  let trio: SentinelTrio;
  beforeAll(async () => {
    trio = await startSentinels();
  });
  afterAll(() => trio.stop());

  const config = (): RedisConfig => ({
    sentinel: { masterName: 'main', sentinelAddrs: trio.sentinelAddrs, password: SENTINEL_PASSWORD },
    password: REDIS_PASSWORD,
    keyPrefix: keyPrefix(),
    readTimeoutMs: 500,
    writeTimeoutMs: 500,
  });

  it('keeps sessions with clients of both packages, over a failover', async () => {
    const managers = [];
    for (const kind of clientKinds) managers.push(createManager({ storage: await connectBy(kind, config()) }));
    for (const manager of managers) await works(manager);
    const made = await Promise.all(managers.map((manager) => manager.create()));
    await trio.failOver();
    for (const [i, manager] of managers.entries()) {
      const answers = () =>
        manager.create().then(
          () => true,
          ({ status }: { status: number }) => {
            expect(status).toBe(503);
            return false;
          },
        );
      await until('the new master answers', answers);
      expect(await manager.get(made[i]?.id ?? '')).toBeDefined();
      await manager.stop();
    }
  });

  it.each(clientKinds)('says so when they refuse the credentials of %s, or do not know the master', async (kind) => {
    const { sentinel, ...rest } = config();
    if (sentinel === undefined) throw new Error('no sentinel');
    const limits = { ...rest, dialTimeoutMs: 300 };
    for (const wrong of [
      { ...sentinel, password: 'wrong' },
      { ...sentinel, masterName: 'nobody' },
    ]) {
      await expect(connectBy(kind, { ...limits, sentinel: wrong })).rejects.toMatchObject({ status: 503 });
    }
  });

  it('accepts a client of createSentinel() as it is', async () => {
    const client = createSentinel({
      name: 'main',
      sentinelRootNodes: trio.sentinels,
      nodeClientOptions: { password: REDIS_PASSWORD },
      sentinelClientOptions: { password: SENTINEL_PASSWORD },
    });
    await client.connect();
    const manager = createManager({ storage: redisStorage(client, { keyPrefix: keyPrefix() }) });
    await works(manager);
    await manager.stop();
    await client.destroy();
  });
});

describe('a cluster of three masters', () => {
  let cluster: { ports: number[]; stop(): Promise<void> };
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());

  it.each(clientKinds)('keeps sessions on all of them, with a client of the package %s', async (kind) => {
    const [client, close] = kind === 'redis' ? await nodeRedis() : await ioredis();
    const manager = createManager({ storage: redisStorage(client, { keyPrefix: keyPrefix() }) });
    await works(manager);
    await manager.stop();
    close();
  });

  async function nodeRedis(): Promise<[RedisClient, () => void]> {
    const client = createCluster({ rootNodes: cluster.ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) });
    await client.connect();
    return [client, () => client.destroy()];
  }

  async function ioredis(): Promise<[RedisClient, () => void]> {
    const client = new Cluster(
      cluster.ports.map((port) => ({ host: '127.0.0.1', port })),
      { lazyConnect: true },
    );
    await client.connect();
    return [client, () => client.disconnect()];
  }
});
