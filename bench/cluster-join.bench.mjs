/** How long a process that has just started takes to join where 100,000 denials are in force, and the longest command of Redis meanwhile. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { createTracker } from '@stream-sessions/core';
import { median, table } from './lib.mjs';
import { startRedis } from './redis.mjs';

const { joinCluster, redisLink } = createRequire(import.meta.url)('../packages/cluster/dist/index.js');

const DENIALS = Number(process.env.COUNT ?? 100_000);
const RUNS = 5;

async function join(port) {
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  const via = redisLink(client, { prefix: 'bench:', commandTimeoutMs: 30_000 });
  const tracker = createTracker({ fingerprintKey: 'of the bench', maxDenials: 2 * DENIALS });
  const startedAt = performance.now();
  const cluster = await joinCluster(tracker, { via });
  return { tracker, cluster, tookMs: performance.now() - startedAt };
}

async function measure() {
  const redis = await startRedis();
  const first = await join(redis.port);
  for (let n = 0; n < DENIALS; n += 1_000) {
    const some = Array.from({ length: Math.min(1_000, DENIALS - n) }, (_, i) => `token-${n + i}`);
    await Promise.all(some.map((token) => first.cluster.deny({ token }, { ttlMs: 3_600_000 })));
  }
  const aside = await redis.connect();
  await aside.sendCommand(['CONFIG', 'SET', 'slowlog-log-slower-than', '1000']);
  const rows = [['denials', 'joined in', 'longest command', 'knows']];
  const all = [];
  for (let n = 0; n < RUNS; n++) {
    await aside.sendCommand(['SLOWLOG', 'RESET']);
    const [{ tookMs, known }] = await once(fork(fileURLToPath(import.meta.url), [String(redis.port)]), 'message');
    const slow = (await aside.sendCommand(['SLOWLOG', 'GET', '100'])).map(([, , us]) => Number(us) / 1000);
    rows.push([DENIALS, `${tookMs.toFixed(0)} ms`, `${Math.max(1, ...slow).toFixed(1)} ms`, known]);
    all.push(tookMs);
  }
  rows.push(['median', `${median(all).toFixed(0)} ms`, '', '']);
  table(rows);
  process.exit();
}

const [port] = process.argv.slice(2);
if (port === undefined) await measure();
else {
  const { tracker, tookMs } = await join(Number(port));
  process.send({ tookMs, known: tracker.denials().length }, () => process.exit());
}
