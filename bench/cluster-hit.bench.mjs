/** What a hit of a known viewer costs on a node of a cluster, against one that is alone: in turns, in one process. */
import { createRequire } from 'node:module';
import { createTracker } from '@stream-sessions/core';
import { hitOf, median, table } from './lib.mjs';
import { startRedis } from './redis.mjs';

const { joinCluster, redisLink } = createRequire(import.meta.url)('../packages/cluster/dist/index.js');

const VIEWERS = Number(process.env.COUNT ?? 20_000);
const ROUNDS = 41;
const HITS = 20_000;
const TARGET = 1.03;

const redis = await startRedis();
const client = await redis.connect();
const link = redisLink(client, { prefix: 'bench:', commandTimeoutMs: 10_000 });
const alone = createTracker({ fingerprintKey: 'of the bench' });
const member = createTracker({ fingerprintKey: 'of the bench' });
const cluster = await joinCluster(member, { via: link });
for (let i = 0; i < VIEWERS; i++) {
  for (const tracker of [alone, member]) tracker.trackHttp(hitOf(i));
  if (i % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 10));
}
const live = { status: 'active' };
while ((await cluster.count(live)) < VIEWERS) await new Promise((resolve) => setTimeout(resolve, 50));

/** Nanoseconds. */
function time(tracker) {
  const hits = Array.from({ length: HITS }, () => hitOf(Math.floor(Math.random() * VIEWERS)));
  const start = process.hrtime.bigint();
  for (const hit of hits) tracker.trackHttp(hit);
  return Number(process.hrtime.bigint() - start) / HITS;
}
const times = { alone: [], member: [] };
for (let round = -3; round < ROUNDS; round++) {
  const [a, b] = round % 2 === 0 ? [time(alone), time(member)] : [time(member), time(alone)].reverse();
  if (round < 0) continue;
  times.alone.push(a);
  times.member.push(b);
  await new Promise((resolve) => setImmediate(resolve));
}
const ratios = times.member.map((ns, i) => ns / times.alone[i]);
table([
  ['viewers', 'alone', 'in a cluster', 'ratio, median', 'target'],
  [
    ...[VIEWERS, `${median(times.alone).toFixed(0)} ns`, `${median(times.member).toFixed(0)} ns`],
    ...[median(ratios).toFixed(3), TARGET],
  ],
]);

await cluster.leave();
for (const tracker of [alone, member]) await tracker.stop({ timeoutMs: 10 });
await link.close();
client.destroy();
