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
export { joinCluster, type ClusterOptions } from './join-cluster.js';
export type { ClusterDirectory, ClusterHealth, ClusterList } from './directory/cluster-directory.js';
export type { ClusterSession } from './directory/merge-rows.js';
export type { ClusterNode } from './membership/node-list.js';
