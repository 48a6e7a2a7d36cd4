/**
 * What a session costs: `get` on Redis against the bare command and JSON.parse, one at a time and a hundred in flight, with both
 * clients; `get` in memory; and how long anybody waits while a million expired sessions are swept. Starts a Redis of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { createManager, localStorage } from '@stream-sessions/session-store';
import { redisStorage } from '@stream-sessions/session-store/redis';
import { median, ms, table } from './lib.mjs';

const ROUNDS = 21;
const SESSIONS = 1_000;
const PREFIX = 'bench:';
const TTL_MS = 600_000;

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
server.close();
const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
let said = '';
for await (const text of redis.stdout) if (/Ready to accept/.test((said += text))) break;

const rows = [['what', 'this', 'against', 'ratio', 'target']];

async function fill(manager) {
  const ids = [];
  for (let n = 0; n < SESSIONS; n++) {
    const session = await manager.create();
    session.setMetadata('user', `user-${n}`);
    session.setMetadata('agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36');
    session.data = { cart: [n, n + 1], seen: { cam1: true } };
    await manager.update(session);
    ids.push(session.id);
  }
  return ids;
}

/** Microseconds each, with so many in flight. */
async function time(get, ids, inFlight, count) {
  let next = 0;
  const worker = async () => {
    while (next < count) await get(ids[next++ % ids.length]);
  };
  const start = process.hrtime.bigint();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return Number(process.hrtime.bigint() - start) / count / 1_000;
}

const clients = {
  redis: async () => {
    const client = createClient({ socket: { host: '127.0.0.1', port } });
    client.on('error', () => undefined);
    await client.connect();
    return { client, ask: (args) => client.sendCommand(args), end: () => client.destroy() };
  },
  ioredis: async () => {
    const client = new Redis({ host: '127.0.0.1', port });
    await client.ping();
    return { client, ask: ([command, ...args]) => client.call(command, ...args), end: () => client.disconnect() };
  },
};

for (const [name, open] of Object.entries(clients)) {
  const { client, ask, end } = await open();
  const manager = createManager({ storage: redisStorage(client, { keyPrefix: PREFIX }), ttlMs: TTL_MS });
  const ids = await fill(manager);
  const ours = (id) => manager.get(id);
  const bare = async (id) => JSON.parse(await ask(['GETEX', PREFIX + id, 'PX', String(TTL_MS)]));
  for (const [inFlight, count] of [
    [1, 1_000],
    [100, 6_000],
  ]) {
    const times = [[], []];
    for (let round = -3; round < ROUNDS; round++) {
      const pair = [];
      // turn about, so that what else the machine does hits both
      for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
        pair[which] = await time([ours, bare][which], ids, inFlight, count);
      }
      if (round >= 0) pair.forEach((us, i) => times[i].push(us));
    }
    const [a, b] = times.map(median);
    // of each pair, which was measured in one breath
    const ratio = median(times[0].map((us, i) => times[1][i] / us));
    const what = `get, ${name}, ${inFlight} in flight : GETEX and JSON.parse, per second`;
    rows.push([what, `${a.toFixed(1)} µs`, `${b.toFixed(1)} µs`, ratio.toFixed(2), '>= 0.8']);
  }
  await manager.stop();
  end();
}
redis.kill('SIGKILL');

// In memory.
{
  const manager = createManager({ ttlMs: TTL_MS });
  const ids = await fill(manager);
  const each = [];
  for (let round = -3; round < ROUNDS; round++) {
    const us = await time((id) => manager.get(id), ids, 1, 200_000);
    if (round >= 0) each.push(us);
  }
  rows.push(['get in memory', `${(median(each) * 1_000).toFixed(0)} ns`, '', '', '<= 1000 ns']);
  await manager.stop();
}

// A million that have expired.
{
  let now = 0;
  const storage = localStorage({ clock: { now: () => now, setTimeout() {}, clearTimeout() {} } });
  for (let n = 0; n < 1_000_000; n++) {
    const hex = n.toString(16).padStart(12, '0');
    void storage.create(Buffer.from(`${hex.slice(0, 8)}-0000-4000-8000-${hex}`).toString('latin1'), 'x', 1_000);
    if (n % 10_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  globalThis.gc();
  now = 1_000;
  const stalls = [];
  let isOver = false;
  const used = () => process.cpuUsage().user / 1_000;
  let last = [performance.now(), used()];
  const watch = () => {
    const current = [performance.now(), used()];
    // what another process of this machine took is no stall of ours
    stalls.push(Math.min(current[0] - last[0], current[1] - last[1]));
    last = current;
    if (!isOver) setImmediate(watch);
  };
  setImmediate(watch);
  if ((await storage.deleteExpired()) !== 1_000_000) throw new Error('not all were swept');
  isOver = true;
  stalls.sort((a, b) => b - a);
  const typical = `${ms(median(stalls))} in the middle`;
  rows.push(['a million swept, the longest stall', ms(stalls[0]), typical, '', '<= 10 ms']);
}
table(rows);
