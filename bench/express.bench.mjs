/**
 * What a middleware costs an Express 5 server that sends 13 KB segments over kept connections: CPU time per request of
 * the server's process, in rounds that take turns. Two identical bare servers show how far the figures can be trusted.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { median, table, USER_AGENTS } from './lib.mjs';

const ROUNDS = 31;
const REQUESTS = 1000;
const CONNECTIONS = 16;
const VARIANTS = ['bare', 'trackPlayback', 'bare again', 'morgan', 'pino-http'];
VARIANTS.push('express-prom-bundle', 'express-rate-limit', 'express-session');
const HANDLERS = {
  static: { name: 'express.static', target: 0.96, stretch: 0.98 },
  send: { name: 'res.send(buffer)', target: 0.93, stretch: 0.96 },
};

const serverFile = path.join(import.meta.dirname, 'express-server.mjs');

async function startServer(variant, handler, folder) {
  const child = fork(serverFile, [variant, handler, folder]);
  const ask = (message) =>
    new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`the server of ${variant} ended`));
      child.once('exit', ended);
      child.once('message', (answer) => {
        child.off('exit', ended);
        resolve(answer);
      });
      if (message) child.send(message);
    });
  const { port } = await ask();
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => connect(port, i)));
  return { variant, ask, sockets, child, cpuUs: [] };
}

/** A player on a connection of its own: the request its kind sends for every segment. */
async function connect(port, i) {
  const socket = await connectFrom(`127.0.1.${i + 1}`, port).catch(() => connectFrom(undefined, port));
  const headers = [
    'GET /cam1/seg0.ts HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    `User-Agent: ${USER_AGENTS[i]}`,
    'Accept: */*',
    'Accept-Encoding: identity;q=1, *;q=0',
    'Accept-Language: en-GB,en;q=0.9',
    'Referer: http://127.0.0.1/watch',
    'Connection: keep-alive',
  ];
  return { socket, request: `${headers.join('\r\n')}\r\n\r\n`, size: 0 };
}

/** Viewers have addresses of their own; where the machine answers only to 127.0.0.1, their User-Agents tell them apart. */
function connectFrom(localAddress, port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Sends one request after the other on each connection until all are answered. */
function load({ sockets }, requests) {
  let left = requests;
  let answered = 0;
  return new Promise((resolve, reject) => {
    for (const player of sockets) {
      const { socket, request } = player;
      let seen = 0;
      socket.removeAllListeners('data').removeAllListeners('close');
      socket.on('close', () => reject(new Error('the server closed a connection')));
      socket.on('data', (chunk) => {
        seen += chunk.length;
        // the first answer tells how long one is: its head, and 13,000 bytes
        if (player.size === 0) {
          if (!chunk.toString('latin1', 0, 12).endsWith(' 200'))
            return reject(new Error(chunk.toString('latin1', 0, 200)));
          player.size = chunk.indexOf('\r\n\r\n') + 4 + 13_000;
        }
        if (seen < player.size) return;
        seen -= player.size;
        if (++answered === requests) resolve();
        else if (left > 0) send();
      });
      const send = () => {
        left--;
        socket.write(request);
      };
      if (left > 0) send();
    }
  });
}

async function round(server) {
  // heads differ in length with the session cookie or the rate: measured anew
  for (const player of server.sockets) player.size = 0;
  await load(server, CONNECTIONS * 4);
  await server.ask('start');
  await load(server, REQUESTS);
  const { cpuUs, report } = await server.ask('stop');
  return { cpuUs: cpuUs / REQUESTS, report };
}

async function compare(handler) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stream-sessions-bench-'));
  const servers = [];
  try {
    for (const variant of VARIANTS) servers.push(await startServer(variant, handler, folder));
    for (const server of servers) await load(server, 4000); // let it be compiled
    for (let n = 0; n < ROUNDS; n++) {
      for (let i = 0; i < servers.length; i++) {
        const server = servers[(i + n) % servers.length];
        const { cpuUs, report } = await round(server);
        server.cpuUs.push(cpuUs);
        server.report = report;
      }
    }
    return servers.map(({ variant, cpuUs, report }) => ({ variant, cpuUs, report }));
  } finally {
    for (const { child, sockets } of servers) {
      for (const { socket } of sockets) socket.removeAllListeners('close').destroy();
      child.disconnect();
    }
    rmSync(folder, { recursive: true });
  }
}

for (const [handler, { name, target, stretch }] of Object.entries(HANDLERS)) {
  const results = await compare(handler);
  const of = (variant) => results.find((result) => result.variant === variant);
  const bare = of('bare').cpuUs.map((cpuUs, n) => (cpuUs + of('bare again').cpuUs[n]) / 2);
  const noise = of('bare').cpuUs.map((cpuUs, n) => cpuUs / of('bare again').cpuUs[n]);
  const sorted = [...noise].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor(ROUNDS / 4)], sorted[Math.floor((3 * ROUNDS) / 4)]];

  console.log(`\n${name}: CPU per request, medians of ${ROUNDS} rounds of ${REQUESTS}`);
  const rows = [['middleware', 'µs', 'of bare', 'target']];
  for (const { variant, cpuUs } of results) {
    const share = median(cpuUs.map((value, n) => bare[n] / value));
    const aim = variant === 'trackPlayback' ? `>= ${target * 100} % (stretch ${stretch * 100})` : '';
    rows.push([variant, median(cpuUs).toFixed(1), `${(share * 100).toFixed(1)} %`, aim]);
  }
  table(rows);
  console.log(
    `two bare servers: ${(median(noise) * 100).toFixed(1)} % of each other, middle half ${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`,
  );

  const { active, bytesTotal } = of('trackPlayback').report;
  const expected = (ROUNDS * (REQUESTS + CONNECTIONS * 4) + 4000) * 13_000;
  if (active !== CONNECTIONS || bytesTotal < expected - CONNECTIONS * 13_000 || bytesTotal > expected) {
    throw new Error(`trackPlayback counted ${bytesTotal} bytes of ${expected} for ${active} viewers of ${CONNECTIONS}`);
  }
}
