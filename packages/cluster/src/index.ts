export {
  BUCKETS,
  LOG_BUCKET,
  type Channel,
  type ClusterLink,
  type Follower,
  type Reply,
  type Step,
} from './link/link.js';
export { workerLink, type WorkerLinkOptions } from './worker/worker-link.js';
export { redisLink, type RedisLinkOptions } from './redis/redis-link.js';
