/** A WebSocket server with or without a tracker, for websocket.bench.mjs: sends all clients 1 Mbit/s, and tells what that costs when asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createTracker } from '@stream-sessions/core';
import { samplerOf, systemClock } from '@stream-sessions/core/spi';
import { attachWebSocketServer } from '@stream-sessions/websocket-adapter';
import { WebSocketServer } from 'ws';
import { median, memoryInUse } from './lib.mjs';

const [adapter, idle] = process.argv.slice(2);
const EVERY_MS = 100;
const MEDIA = Buffer.alloc((1_000_000 / 8 / 1000) * EVERY_MS);

const tracker = createTracker();
const server = createServer();
const wss = new WebSocketServer({ server });

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** What the ticks of the sampler took, as they came by themselves. */
const ticks = [];
const clock = { ...systemClock, setTimeout: (tick, ms) => systemClock.setTimeout(() => timed(tick), ms) };
function timed(tick) {
  const since = cpuMs();
  tick();
  ticks.push(cpuMs() - since);
}
if (adapter === 'with') attachWebSocketServer(wss, tracker, { clock });
if (idle === undefined) {
  setInterval(() => {
    for (const ws of wss.clients) ws.send(MEDIA);
  }, EVERY_MS);
}

/** One reading of all connections at once, which nobody ever does: its CPU time. */
function readingMs() {
  const sampler = samplerOf(clock);
  return median(
    Array.from({ length: 21 }, () => {
      const since = cpuMs();
      sampler.sample();
      return cpuMs() - since;
    }),
  );
}

/** Fifty kicks, one after the other: milliseconds from the call until the client is gone, who has answered the close. */
async function kickMs() {
  const times = [];
  for (const { id } of tracker.list({ limit: 50 })) {
    const { size } = wss.clients;
    const since = performance.now();
    tracker.kick(id);
    while (wss.clients.size === size) await new Promise(setImmediate);
    times.push(performance.now() - since);
  }
  return times;
}

process.on('message', async (what) => {
  const viewers = tracker.count({ status: 'active' });
  if (what === 'cpu') process.send({ cpu: process.cpuUsage(), clients: wss.clients.size, viewers });
  if (what === 'memory')
    process.send({ bytes: memoryInUse(), readingMs: readingMs(), ticks, clients: wss.clients.size, viewers });
  if (what === 'kick') process.send({ kickMs: await kickMs() });
});
process.on('disconnect', () => process.exit());
await once(server.listen(0, '127.0.0.1', 4096), 'listening');
process.send({ port: server.address().port });
