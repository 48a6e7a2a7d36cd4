/**
 * A server whose viewers have a limit, in a process of its own, so that its CPU time and memory are those of serving. Media
 * comes from a folder, in every way that people serve it. A viewer's token says its limit (`4-ann` has 4 Mbit/s), or whose
 * prepaid pass it is: `own-pass` and `global-pass` have 4 Mbit/s as well.
 */
import { createReadStream, readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import path from 'node:path';
import express from 'express';
import express4 from 'express4';
import { createProxyMiddleware } from 'http-proxy-middleware';
import serveStatic from 'serve-static';
import { createTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { passBook, passPolicy } from '@stream-sessions/passes';
import { speedPolicy } from '@stream-sessions/policies';

const folder = process.argv[2];
let downMbits = ({ token }) => Number(token?.split('-')[0]) || undefined;
const book = passBook({ globalSpeed: { downMbits: 4 } });
await book.create('own-pass', { type: 0, timeSecs: 3_600, downMbits: 4 });
await book.create('global-pass', { type: 0, timeSecs: 3_600, downMbits: 100, useGlobalSpeed: true });
const tracker = createTracker({
  policies: [speedPolicy({ downMbits: (candidate) => downMbits(candidate) }), passPolicy(book, { required: false })],
});
const track = trackPlayback(tracker);
const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

const files = serveStatic(folder);
const origin = await listen(http.createServer(express().use(express.static(folder))));
const large = path.join(folder, 'cam1/large.ts');

const app = express();
app.use('/express5', track, express.static(folder));
app.use('/express4', express4().use(track, express4.static(folder)));
app.use('/send', track, (_req, res) => void res.send(readFileSync(large)));
app.use('/stream', track, (_req, res) => void createReadStream(path.join(folder, 'cam1/big.ts')).pipe(res));
app.use('/proxy', track, createProxyMiddleware({ target: `http://127.0.0.1:${origin}` }));
app.get('/page', (_req, res) => void res.type('html').send('<video muted></video>'));
app.get('/hls.js', (_req, res) => void res.sendFile(process.argv[3]));

const h1 = await listen(http.createServer(app));
const h2 = await listen(
  http2.createServer((req, res) => track(req, res, () => files(req, res, () => res.writeHead(404).end()))),
);

/** For how long, in ms, it could not send what was due: a bucket forgets what is more than a quarter of a second late. */
let lateMs = 0;
let lookedAt = performance.now();
setInterval(() => {
  const now = performance.now();
  lateMs += Math.max(0, now - lookedAt - 100);
  lookedAt = now;
}, 20);

process.on('message', async (message) => {
  if (typeof message === 'number') {
    downMbits = () => message;
    await tracker.invalidate();
  }
  const { user, system } = process.cpuUsage();
  const sessions = tracker.list().map(({ id, userAgent, tags, rateMbits }) => ({ id, userAgent, tags, rateMbits }));
  process.send({ cpuMs: (user + system) / 1000, rss: process.memoryUsage().rss, lateMs, sessions });
});
process.on('disconnect', () => process.exit());
process.send({ h1, h2 });
