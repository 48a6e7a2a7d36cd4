import { Redis, type RedisOptions } from 'ioredis';
import { closeClients, connect } from '../../../test/support/redis-clients.js';
import { stays, until } from '../../../test/support/until.js';
import { redisLink } from '../src/index.js';
import { ownConnection } from '../src/redis/own-connection.js';
import { say } from '../src/testing/world.js';
import { oneRedis } from './support/one-redis.js';

const redis = oneRedis();
const clients: Redis[] = [];

afterEach(() => {
  closeClients();
  for (const client of clients.splice(0)) client.disconnect();
});

it.each<[string, RedisOptions]>([
  ['queues nothing until it is connected', { enableOfflineQueue: false }],
  ['connects only when it has to', { lazyConnect: true }],
  ['does both', { lazyConnect: true, enableOfflineQueue: false }],
])('a link hears by an ioredis that %s', async (_which, options) => {
  const client = new Redis(redis.port, '127.0.0.1', options);
  clients.push(client);
  if (options.lazyConnect === true) await client.connect();
  else await new Promise<void>((resolve) => void client.once('ready', resolve));
  const link = redisLink(client);
  const heard: string[] = [];
  await link.follow([{ name: 'news' }], (_, texts) => void heard.push(...texts));
  await say(link, 'news', 'one');
  await until('it is heard', () => heard.length === 1);
  await link.close();
});

it('a link whose second connection cannot be made says so, and does not pass for one that hears', async () => {
  const { client } = await connect('redis', redis.port);
  const duplicate = (): never => {
    throw new Error('max number of clients reached');
  };
  const link = redisLink(Object.assign(client, { duplicate }), { commandTimeoutMs: 200 });
  const following = link.follow([{ name: 'news' }], () => undefined);
  await expect(following).rejects.toMatchObject({
    code: 'ERR_CLUSTER_LINK',
    message: expect.stringContaining('max number of clients reached'),
  });
  await link.close();
});

it('a link waits by an ioredis whose commands have to be answered sooner than that', async () => {
  const client = new Redis(redis.port, '127.0.0.1', { commandTimeout: 200 });
  clients.push(client);
  const link = redisLink(client);
  const heard: string[] = [];
  const follower = await link.follow([{ name: 'news' }], (_, texts) => void heard.push(...texts));
  await stays('it can read', () => follower.failure === undefined, 700);
  await say(link, 'news', 'one');
  await until('it is heard', () => heard.length === 1);
  await link.close();
});

it('a second connection to a Redis Cluster has all options of the first but the limit of its commands', () => {
  const redisOptions = { commandTimeout: 200, connectionName: 'mine' };
  const many = new Redis.Cluster([redis.port], { lazyConnect: true, redisOptions });
  const duplicate = jest.spyOn(many, 'duplicate');
  ownConnection(many).destroy();
  const [own] = duplicate.mock.results;
  expect((own?.value as typeof many).options.redisOptions).toEqual({ connectionName: 'mine' });
});

it('a link refuses an ioredis that makes strings of numbers', () => {
  const client = new Redis({ port: redis.port, lazyConnect: true, stringNumbers: true });
  const many = new Redis.Cluster([redis.port], { lazyConnect: true, redisOptions: { stringNumbers: true } });
  for (const each of [client, many]) expect(() => redisLink(each)).toThrow(/without "stringNumbers"/);
});
