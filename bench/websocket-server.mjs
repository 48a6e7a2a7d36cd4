/**
 * WebSocket servers for websocket.bench.mjs. `idle`: one, `with` or `without` the adapter, that tells what it costs when asked.
 * `relay`: one of each in this process, which in turns send all their clients 1 Mbit/s: of two processes, even equal ones differ by
 * more than is to be measured.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTracker } from '@stream-sessions/core';
import { samplerOf, systemClock } from '@stream-sessions/core/spi';
import { attachWebSocketServer } from '@stream-sessions/websocket-adapter';
import { WebSocketServer } from 'ws';
import { median, memoryInUse } from './lib.mjs';

const [what, adapter] = process.argv.slice(2);
const EVERY_MS = 100;
const MEDIA = Buffer.alloc((1_000_000 / 8 / 1000) * EVERY_MS);

const SENDS = 10;
const tracker = createTracker();

async function listening() {
  const server = createServer();
  const wss = new WebSocketServer({ server });
  await once(server.listen(0, '127.0.0.1', 4096), 'listening');
  return { wss, port: server.address().port };
}

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
async function kickMs(wss) {
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

/** A turn of each: what it took of a core, of both without the sampler's ticks, and what these took. */
async function turns(servers) {
  const shares = [];
  for (const { wss } of servers) {
    const [since, before, tick] = [performance.now(), cpuMs(), ticks.length];
    for (let sent = 0; sent < SENDS; sent++) {
      for (const ws of wss.clients) ws.send(MEDIA);
      await sleep(since + (sent + 1) * EVERY_MS - performance.now());
    }
    while ([...wss.clients].some(({ bufferedAmount }) => bufferedAmount > 0)) await sleep(10);
    const ticked = ticks.slice(tick).reduce((sum, ms) => sum + ms, 0);
    const elapsed = performance.now() - since;
    shares.push({ relay: (cpuMs() - before - ticked) / elapsed, ticks: ticked / elapsed });
  }
  return shares;
}

const first = await listening();
const servers = what === 'relay' ? [first, await listening()] : [first];
if (adapter !== 'without') {
  // the clients of the bench answer no pings
  const silenceTimeoutMs = what === 'relay' ? 0 : undefined;
  attachWebSocketServer(servers.at(-1).wss, tracker, { clock, silenceTimeoutMs });
}

process.on('message', async (ask) => {
  const viewers = tracker.count({ status: 'active' });
  const clients = first.wss.clients.size;
  if (ask === 'turns') process.send({ shares: await turns(servers), viewers });
  if (ask === 'memory') process.send({ bytes: memoryInUse(), readingMs: readingMs(), ticks, clients, viewers });
  if (ask === 'kick') process.send({ kickMs: await kickMs(first.wss) });
});
process.on('disconnect', () => process.exit());
process.send({ ports: servers.map(({ port }) => port) });
