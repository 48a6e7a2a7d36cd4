/** How long a node takes to join where 100,000 denials are in force, and the longest that Redis is held up by that. */
import { createRequire } from 'node:module';
import { createTracker } from '@stream-sessions/core';
import { table } from './lib.mjs';
import { startRedis } from './redis.mjs';

const { joinCluster, redisLink } = createRequire(import.meta.url)('../packages/cluster/dist/index.js');

const DENIALS = Number(process.env.COUNT ?? 100_000);
const redis = await startRedis();
const open = [];
async function node(before = () => undefined) {
  const client = await redis.connect();
  const link = redisLink(client, { prefix: 'bench:', commandTimeoutMs: 30_000 });
  const tracker = createTracker({ fingerprintKey: 'of the bench', maxDenials: 2 * DENIALS });
  await before();
  const startedAt = performance.now();
  const cluster = await joinCluster(tracker, { via: link });
  open.push({ client, link, tracker, cluster });
  return { tracker, cluster, client, joinedInMs: performance.now() - startedAt };
}
const first = await node();
const aside = await redis.connect();
for (let n = 0; n < DENIALS; n += 1_000) {
  const some = Array.from({ length: Math.min(1_000, DENIALS - n) }, (_, i) => `token-${n + i}`);
  await Promise.all(some.map((token) => first.cluster.deny({ token }, { ttlMs: 3_600_000 })));
}
const rows = [['denials', 'joined in', 'longest command', 'knows']];
for (let n = 0; n < 3; n++) {
  const { tracker, joinedInMs } = await node(async () => {
    await aside.sendCommand(['CONFIG', 'SET', 'slowlog-log-slower-than', '1000']);
    await aside.sendCommand(['SLOWLOG', 'RESET']);
  });
  const slow = (await aside.sendCommand(['SLOWLOG', 'GET', '100'])).map(([, , us]) => Number(us) / 1000);
  rows.push([
    DENIALS,
    `${joinedInMs.toFixed(0)} ms`,
    `${Math.max(1, ...slow).toFixed(1)} ms`,
    tracker.denials().length,
  ]);
}
table(rows);

for (const { cluster, tracker, link, client } of open) {
  await cluster.leave();
  await tracker.stop({ timeoutMs: 10 });
  await link.close();
  client.destroy();
}
aside.destroy();
