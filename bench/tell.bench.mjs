/**
 * What telling the world costs: 100,000 viewers with a hit every 6 s of the clock, bare, and with a client of the feed,
 * webhooks and a scrape every second beside it, in turns; then a thousand clients of the feed at a thousand events a second.
 * Usage: node --expose-gc tell.bench.mjs
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi } from '@stream-sessions/express-middleware';
import { metricsHandler } from '@stream-sessions/metrics';
import { createWebhooks } from '@stream-sessions/webhooks';
import { hitEach, hitOf, median, memoryInUse, ms, table } from './lib.mjs';

const VIEWERS = 100_000;
const EVERY_MS = 6_000;
const ROUNDS = +(process.env.ROUNDS ?? 3);
const TICK_MS = 10;

const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

const listen = (handler) =>
  new Promise((resolve) => {
    const server = createServer(handler).listen(0, '127.0.0.1', () => resolve(server));
  });
const portOf = (server) => server.address().port;

/** Who takes everything and looks at nothing, in a process of their own. */
const READER = `
const { connect } = require('node:net');
for (let i = 0; i < process.env.COUNT; i++) {
  connect(process.env.PORT, '127.0.0.1', function () { this.write('GET /events HTTP/1.1\\r\\nHost: x\\r\\nAccept-Encoding: ' + process.env.ENCODING + '\\r\\n\\r\\n'); }).resume();
}`;
const readers = (port, count, encoding = 'identity') => {
  const env = { ...process.env, PORT: port, COUNT: count, ENCODING: encoding };
  return spawn(process.execPath, ['-e', READER], { env, stdio: 'ignore' });
};

/** The real clock: hits are spread over it, and everything else has what is left. */
async function fleet(isHeard) {
  const tracker = createTracker({ maxSessions: 2 * VIEWERS, idleTimeoutMs: 600_000 });
  const hits = Array.from({ length: VIEWERS }, (_, i) => hitOf(i));
  for (const hit of hits) tracker.trackHttp(hit);
  const ends = [];
  if (isHeard) {
    const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-bench-'));
    const receiver = await listen((req, res) => req.resume().on('end', () => res.writeHead(204).end()));
    const webhooks = await createWebhooks(tracker, {
      endpoints: [{ url: `http://127.0.0.1:${portOf(receiver)}/` }],
      journal: path.join(folder, 'journal'),
      allowPrivateNetworks: true,
    });
    const api = sessionsApi(tracker, { authorize: () => true });
    const metrics = metricsHandler(tracker);
    const server = await listen((req, res) => (req.url === '/metrics' ? metrics(req, res) : api(req, res)));
    const reader = readers(portOf(server), 1);
    const scrape = setInterval(() => {
      request({ port: portOf(server), path: '/metrics' }, (res) => res.resume()).end();
    }, 1_000);
    ends.push(async () => {
      clearInterval(scrape);
      reader.kill();
      for (const each of [server, receiver]) {
        each.closeAllConnections();
        each.close();
      }
      await webhooks.stop();
      rmSync(folder, { recursive: true });
    });
  }
  await sleep(2_000);
  return {
    async round() {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const cpu = process.cpuUsage();
      const start = performance.now();
      const hitMs = await hitEach(tracker, hits, EVERY_MS);
      const { user, system } = process.cpuUsage(cpu);
      delay.disable();
      const busy = ((user + system) / 1000 - hitMs) / (performance.now() - start);
      return { hitMs, busy, longest: delay.max / 1e6 };
    },
    async end() {
      for (const end of ends) await end();
      await tracker.stop({ timeoutMs: 0 });
    },
  };
}

const results = { bare: [], heard: [] };
for (let round = 0; round < ROUNDS; round++) {
  for (const which of round % 2 ? ['heard', 'bare'] : ['bare', 'heard']) {
    const each = await fleet(which === 'heard');
    // a row that is new to the feed comes whole
    await each.round();
    await each.round();
    results[which].push(await each.round());
    await each.end();
  }
}
const of = (which, what) => median(results[which].map((result) => result[what]));
table([
  ['100,000 viewers, a hit every 6 s; feed, webhooks and scrapes', 'measured', 'target'],
  ['a hit, against nobody listening', (of('heard', 'hitMs') / of('bare', 'hitMs')).toFixed(3), '<= 1.03'],
  ['consumers, of a core', `${((of('heard', 'busy') - of('bare', 'busy')) * 100).toFixed(1)} %`, '<= 10 %'],
  ['longest slice', ms(of('heard', 'longest')), '<= 10 ms'],
]);

const CLIENTS = 1_000;
const PER_SECOND = 1_000;
const COMINGS = Number(process.env.COMINGS ?? 4);
const SECONDS = 10;
/** A thousand clients that take this encoding. */
async function crowd(encoding) {
  const tracker = createTracker({ maxSessionsPerIp: 1e6 });
  const server = await listen(sessionsApi(tracker, { authorize: () => true }));
  const reader = readers(portOf(server), CLIENTS, encoding);
  await sleep(3_000);
  // each changes twice a second: so often it is told of
  const watching = Array.from(
    { length: PER_SECOND / 2 },
    (_, n) => tracker.openConn({ stream: `cam${n % 50}`, protocol: 'srt', remoteAddress: `10.0.0.2:${n + 1}` }).closer,
  );
  await sleep(2_000);
  const before = memoryInUse();
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let n = 0; performance.now() - start < SECONDS * 1000;) {
    await sleep(TICK_MS);
    for (const due = ((performance.now() - start) / 1000) * PER_SECOND; n < due; n++) {
      const hit = { stream: `cam${n % 50}`, protocol: 'srt', remoteAddress: `10.0.0.1:${n % 60_000}` };
      // of a hundred events, how many are of those who come and go
      if (n % 100 < COMINGS) n % 2 === 0 && tracker.openConn(hit).closer.close('client_gone');
      else watching[n % watching.length].touch(1000);
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const used = (user + system) / 1000 / (performance.now() - start);
  const grown = memoryInUse() - before;
  reader.kill();
  server.closeAllConnections();
  server.close();
  await tracker.stop({ timeoutMs: 0 });
  return { used, grown };
}

const asTheyAre = await crowd('identity');
const packed = await crowd('gzip');
table([
  ['1,000 clients of the feed, 1,000 events a second', 'gzip', 'plain', 'target'],
  ['of a core', `${(packed.used * 100).toFixed(1)} %`, `${(asTheyAre.used * 100).toFixed(1)} %`, '<= 15 %'],
  ['memory, after ten seconds', mb(packed.grown), mb(asTheyAre.grown), 'the ring: 16 million characters'],
]);
