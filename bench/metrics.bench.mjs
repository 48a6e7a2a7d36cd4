/**
 * What a scrape holds up: 100,000 viewers in 1,000 streams, written as text in one go. Half of the streams are beyond the
 * largest, and every one has viewers of three protocols.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createTracker } from '@stream-sessions/core';
import { metricsHandler } from '@stream-sessions/metrics';
import { hitOf, median, ms, table } from './lib.mjs';

const VIEWERS = 100_000;
const PROTOCOLS = ['hls', 'dash', 'rtmp'];
const ROUNDS = 200;

const tracker = createTracker({ autoStart: false, maxSessions: 2 * VIEWERS });
for (let i = 0; i < VIEWERS; i++) tracker.trackHttp({ ...hitOf(i), protocol: PROTOCOLS[((i / 1000) % 3) | 0] });

/** From request to the last byte handed over: what happens in between is one synchronous piece. */
async function scrapes(streams) {
  const handler = metricsHandler(tracker, { streams });
  const times = [];
  const sizes = [];
  const server = createServer((req, res) => {
    const end = res.end.bind(res);
    const start = performance.now();
    res.end = (text) => {
      times.push(performance.now() - start);
      sizes.push(text.length);
      return end(text);
    };
    handler(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (let i = 0; i < ROUNDS; i++) await (await fetch(`http://127.0.0.1:${server.address().port}/`)).text();
  server.closeAllConnections();
  server.close();
  return [`streams: ${streams}`, ms(median(times)), ms(Math.max(...times)), `${sizes.at(-1)} bytes`];
}

table([
  [`${VIEWERS} viewers, ${tracker.streams().length} streams`, 'median', 'longest of 200', 'size'],
  await scrapes(100),
  await scrapes(1000),
  await scrapes(false),
]);
await tracker.stop({ timeoutMs: 0 });
