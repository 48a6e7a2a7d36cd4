/** What connections with heartbeats cost: a beat, a check, memory, and beats a second by HTTP. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createTracker } from '@stream-sessions/core';
import { createConnectionTracker } from '@stream-sessions/heartbeats';

const COUNT = 100_000;
const tracker = createTracker();
let now = Date.now();
const clock = { now: () => now, setTimeout: () => undefined, clearTimeout: () => undefined };
const connections = createConnectionTracker(tracker, { clock });
const viewer = (i) => ({
  id: `connection-${i}`,
  sessionId: `cam${i % 50}`,
  clientIp: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  protocol: 'heartbeat',
});
const heap = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

// sessions first: what a connection takes is what it takes beside them
for (let i = 0; i < COUNT; i++) {
  const { sessionId: stream, clientIp: ip, userAgent } = viewer(i);
  tracker.trackHttp({ stream, ip, userAgent, protocol: 'heartbeat', keepMs: 600_000 });
}
const before = heap();
for (let i = 0; i < COUNT; i++) await connections.addConnection(viewer(i));
const bytes = (heap() - before) / COUNT;

const ids = Array.from({ length: COUNT }, (_, i) => `connection-${i}`);
/** Microseconds of processor time: others may be busy here too. */
const spentBy = (work) => {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return user + system;
};
const beats = [1, 2, 3, 4, 5].map(() => spentBy(() => ids.forEach((id) => connections.updateHeartbeat(id))) / COUNT);
// it looks for silent ones, as a check does
const look = spentBy(() => {
  for (let i = 0; i < 1_000; i++) connections.getStats();
});
now += 30_000;
for (const id of ids.slice(0, COUNT - 1_000)) connections.updateHeartbeat(id);
now += 30_000; // a thousand are silent
let stale = 0;
const check = spentBy(() => ({ stale } = connections.getStats()));

console.log(`100,000 connections on 50 streams`);
console.log(
  `memory beside the session: ${bytes.toFixed(0)} bytes each${globalThis.gc ? '' : ' (run with --expose-gc)'}`,
);
console.log(`updateHeartbeat: ${Math.min(...beats).toFixed(2)} µs`);
console.log(
  `a check that finds nobody: ${(look / 1_000).toFixed(2)} µs; one that finds ${stale}: ${(check / 1_000).toFixed(2)} ms`,
);
console.log(`getConnectionCount: ${connections.getConnectionCount('cam1')} on one stream`);
connections.stop();

await tracker.stop();

const child = fork(new URL('heartbeats-server.mjs', import.meta.url));
const tell = async () => (await once(child, 'message'))[0];
const port = await tell();
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
const post = (path, body) =>
  new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path, method: 'POST', agent }, (response) => {
      let text = '';
      response.on('data', (part) => (text += part));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
    request.end(body);
  });
const pages = [];
for (let i = 0; i < 32; i++) pages.push(JSON.parse(await post('/streams/cam1/connections', '{}')));
const play = async (ms, path) => {
  const until = performance.now() + ms;
  let done = 0;
  await Promise.all(
    pages.map(async ({ id, key }) => {
      const body = JSON.stringify({ key });
      for (; performance.now() < until; done++) await post(path ?? `/connections/${id}/heartbeat`, body);
    }),
  );
  return done;
};
const spent = async () => {
  child.send('cpu');
  const { user, system } = await tell();
  return (user + system) / 1e6;
};
const rate = async (path) => {
  await play(1_000, path); // warm
  const cpu = await spent();
  const done = await play(3_000, path);
  return done / ((await spent()) - cpu);
};
const [bare, beating] = [await rate('/bare'), await rate()];
console.log(`by HTTP: ${Math.round(beating)} beats per second of one core; Node alone answers ${Math.round(bare)}`);
agent.destroy();
child.disconnect();
