/** A WebSocket server with or without a tracker, for websocket.bench.mjs: sends all clients 1 Mbit/s, and tells what that costs when asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createTracker } from '@stream-sessions/core';
import { samplerOf } from '@stream-sessions/core/spi';
import { attachWebSocketServer } from '@stream-sessions/websocket-adapter';
import { WebSocketServer } from 'ws';
import { median, memoryInUse } from './lib.mjs';

const [adapter, idle] = process.argv.slice(2);
const EVERY_MS = 100;
const MEDIA = Buffer.alloc((1_000_000 / 8 / 1000) * EVERY_MS);

const tracker = createTracker();
const server = createServer();
const wss = new WebSocketServer({ server });
if (adapter === 'with') attachWebSocketServer(wss, tracker);
if (idle === undefined) {
  setInterval(() => {
    for (const ws of wss.clients) ws.send(MEDIA);
  }, EVERY_MS);
}

/** One reading of all connections, as the timer does it once a second. */
function tickMs() {
  const sampler = samplerOf();
  return median(
    Array.from({ length: 21 }, () => {
      const since = performance.now();
      sampler.sample();
      return performance.now() - since;
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
  if (what === 'memory') process.send({ bytes: memoryInUse(), tickMs: tickMs(), clients: wss.clients.size, viewers });
  if (what === 'kick') process.send({ kickMs: await kickMs() });
});
process.on('disconnect', () => process.exit());
await once(server.listen(0, '127.0.0.1', 4096), 'listening');
process.send({ port: server.address().port });
