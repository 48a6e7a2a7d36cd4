/** How long a node takes to say how many watch, over all nodes: `count` by stream and kind, of 1,000 streams on a real Redis. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { createClient } from 'redis';
import { createTracker } from '@stream-sessions/core';
import { table } from './lib.mjs';

const { joinCluster, redisLink } = createRequire(import.meta.url)('../packages/cluster/dist/index.js');

const probe = createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address();
probe.close();
const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => server.kill('SIGKILL'));
for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
server.stdout.resume();

const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
const link = redisLink(client, { prefix: 'bench:' });
const tracker = createTracker({ fingerprintKey: 'of the bench' });
const cluster = await joinCluster(tracker, { via: link });
const VISITS = Number(process.env.COUNT ?? 10_000);
for (let n = 0; n < VISITS; n++) {
  const ip = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
  tracker.trackHttp({ stream: `cam${n % 1000}`, protocol: 'hls', ip, userAgent: 'player/1.0' });
  if (n % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 20));
}
const all = { status: 'active' };
while ((await cluster.count(all)) < VISITS) await new Promise((resolve) => setTimeout(resolve, 50));

const rows = [['', 'median', 'p99', 'CPU each']];
for (const [name, filter] of [
  ['all', all],
  ['viewers of a stream', { ...all, stream: 'cam7', kind: 'viewer' }],
]) {
  const took = [];
  const before = process.cpuUsage();
  const startedAt = performance.now();
  while (performance.now() - startedAt < 3_000) {
    const at = performance.now();
    await cluster.count(filter);
    took.push(performance.now() - at);
    if (took.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  took.sort((a, b) => a - b);
  const us = (ms) => `${(1000 * ms).toFixed(1)} µs`;
  rows.push([
    name,
    us(took[took.length >> 1]),
    us(took[Math.floor(took.length * 0.99)]),
    us((user + system) / 1000 / took.length),
  ]);
}
table(rows);

await cluster.leave();
await tracker.stop({ timeoutMs: 10 });
await link.close();
client.destroy();
