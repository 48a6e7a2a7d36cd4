import { clusterLinkContract } from '@stream-sessions/cluster/testing';
import { startRedis, type RedisServer } from '../../../test/support/redis-server.js';
import { redisLinks } from './support/redis-links.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

clusterLinkContract({ name: 'a link by "redis"', start: () => redisLinks('redis', redis.port, 3) });
clusterLinkContract({ name: 'a link by "ioredis"', start: () => redisLinks('ioredis', redis.port, 2) });
