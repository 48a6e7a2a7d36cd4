/** What the benchmarks share: data as a server would see it, and honest numbers. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A string with memory of its own, as the HTTP parser makes it. */
export const fresh = (text) => Buffer.from(text, 'latin1').toString('latin1');

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export const USER_AGENTS = Array.from(
  { length: 2000 },
  (_, i) => `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${i}.0.0.0 Safari/537.36`,
);

const tokenOf = (i) => (Math.imul(i, 2654435761) >>> 0).toString(16).padStart(8, '0').repeat(4);
const addressOf = (i) => `${10 + (i >>> 24)}.${(i >>> 16) & 255}.${(i >>> 8) & 255}.${i & 255}`;

/** What viewer `i` of `streams` streams sends: every string fresh, query and token cut from one URL. */
export function hitOf(i, streams = 1000) {
  const stream = `cam${i % streams}`;
  const url = fresh(`/${stream}/seg${i % 97}.ts?token=${tokenOf(i)}&quality=high&v=${i % 10}`);
  const query = url.slice(url.indexOf('?') + 1);
  return {
    stream: fresh(stream),
    protocol: 'hls',
    ip: fresh(addressOf(i)),
    userAgent: fresh(USER_AGENTS[i % USER_AGENTS.length]),
    query,
    token: query.slice(6, 38),
    secure: true,
    bytes: 13_000,
  };
}

export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  for (const row of rows) console.log(row.map((cell, i) => String(cell).padEnd(widths[i])).join('  '));
}

/** Heap and what hangs on it, after a full collection. */
export function memoryInUse() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

export const ms = (value) => `${value.toFixed(value < 1 ? 4 : 2)} ms`;

/** Each viewer hits once in `everyMs` of the clock; whatever else there is has what is left. Milliseconds that the hits took. */
export async function hitEach(tracker, hits, everyMs, tickMs = 10) {
  let hitMs = 0;
  const start = performance.now();
  for (let next = 0; next < hits.length;) {
    await sleep(tickMs);
    const due = Math.min(hits.length, Math.floor(((performance.now() - start) / everyMs) * hits.length));
    const before = performance.now();
    for (; next < due; next++) {
      const { handle } = tracker.admit(hits[next]);
      handle.touch(1000);
      handle.end();
    }
    hitMs += performance.now() - before;
  }
  return hitMs;
}
