/**
 * One server of the Express benchmark, in a process of its own: Express 5 with one middleware (or none) before a handler
 * that serves a segment. Tells its parent the CPU time it used between two messages.
 */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import express from 'express';

const [variant, handler, folder] = process.argv.slice(2);
const SEGMENT = Buffer.alloc(13_000, 'x');

/** Each as its own README sets it up, with what it writes going nowhere. */
const MIDDLEWARE = {
  bare: () => undefined,
  'bare again': () => undefined,
  trackPlayback: async () => {
    const { createTracker } = await import('@stream-sessions/core');
    const { trackPlayback } = await import('@stream-sessions/express-middleware');
    const tracker = createTracker();
    report = () => tracker.stats();
    return trackPlayback(tracker);
  },
  morgan: async () => {
    const { default: morgan } = await import('morgan');
    return morgan('combined', { stream: createWriteStream('/dev/null') });
  },
  'pino-http': async () => {
    const { default: pinoHttp } = await import('pino-http');
    const { default: pino } = await import('pino');
    return pinoHttp({ logger: pino(pino.destination('/dev/null')) });
  },
  'express-prom-bundle': async () => (await import('express-prom-bundle')).default({ includeMethod: true }),
  'express-rate-limit': async () => {
    const { rateLimit } = await import('express-rate-limit');
    return rateLimit({ windowMs: 60_000, limit: 1e9, standardHeaders: 'draft-8', legacyHeaders: false });
  },
  'express-session': async () => {
    const { default: session, MemoryStore } = await import('express-session');
    // the cheapest it can be: nothing is saved, for the players send no cookie back
    return session({ secret: 'x', resave: false, saveUninitialized: false, store: new MemoryStore() });
  },
};

let report = () => ({});
const app = express();
const middleware = await MIDDLEWARE[variant]();
if (middleware !== undefined) app.use(middleware);
if (handler === 'static') {
  mkdirSync(path.join(folder, 'cam1'), { recursive: true });
  writeFileSync(path.join(folder, 'cam1', 'seg0.ts'), SEGMENT);
  app.use(express.static(folder));
} else app.use((req, res) => void res.send(SEGMENT));

const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
server.keepAliveTimeout = 600_000;
let since;
process.on('message', (message) => {
  if (message === 'start') {
    since = process.cpuUsage();
    process.send({});
  } else {
    const { user, system } = process.cpuUsage(since);
    process.send({ cpuUs: user + system, report: report() });
  }
});
process.on('disconnect', () => process.exit());
