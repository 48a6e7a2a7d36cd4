/** A server that hears beats, for heartbeats.bench.mjs. Tells its processor time when asked. */
import { once } from 'node:events';
import http from 'node:http';
import { createTracker } from '@stream-sessions/core';
import { createConnectionTracker, heartbeatApi } from '@stream-sessions/heartbeats';

const handler = heartbeatApi(createConnectionTracker(createTracker()), { maxPerAddress: 1_000 });
// what Node itself costs: it reads the body, and answers as shortly
const bare = (req, res) => {
  req.on('data', () => undefined);
  req.on('end', () => res.writeHead(204).end());
};
const server = http.createServer((req, res) => (req.url === '/bare' ? bare : handler)(req, res)).listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send(server.address().port);
