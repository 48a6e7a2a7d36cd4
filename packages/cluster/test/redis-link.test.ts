import { clusterLinkContract } from '@stream-sessions/cluster/testing';
import { redisLinks } from './support/redis-links.js';
import { oneRedis } from './support/one-redis.js';

const redis = oneRedis();

clusterLinkContract({ name: 'a link by "redis"', start: () => redisLinks('redis', redis.port, 3) });
clusterLinkContract({ name: 'a link by "ioredis"', start: () => redisLinks('ioredis', redis.port, 2) });
