export { redisStorage, type RedisStorageOptions } from './redis-storage.js';
export type {
  IoredisClient,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
  RedisCommands,
} from '@stream-sessions/core/spi';
export { connectRedis } from './connect-redis.js';
export type { RedisConfig, RedisTlsConfig, SentinelConfig } from './config.js';
