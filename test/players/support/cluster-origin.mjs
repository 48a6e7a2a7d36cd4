/**
 * One of several origins that have one list of their viewers. The stream `guarded` wants a ticket as token.
 *
 *   node cluster-origin.mjs <folder of the media> <port of Redis> <name>
 */
import express from 'express';
import { createClient } from 'redis';
import { joinCluster, redisLink } from '@stream-sessions/cluster';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';

const [folder, redisPort, name] = process.argv.slice(2);
const doorman = {
  name: 'doorman',
  stage: 'authorise',
  admit: ({ stream, token }) =>
    stream !== 'guarded' || token?.startsWith('ticket')
      ? { allow: true, ...(token && { userId: token }) }
      : { allow: false, reason: 'unauthorized', kind: 'credentials', denyForMs: 0 },
};

const client = await createClient({ url: `redis://127.0.0.1:${redisPort}` })
  .on('error', () => undefined)
  .connect();
const tracker = createTracker({ fingerprintKey: 'of this test', policies: [doorman], identity: { aliases: 'admit' } });
// a busy machine has time: who decides alone is another test
const patience = { timeLimitMs: 10_000, leaseMs: 30_000 };
const via = redisLink(client, { commandTimeoutMs: 10_000 });
const cluster = await joinCluster(tracker, { via, name, ...patience });

const app = express();
app.set('trust proxy', 'loopback');
app.use('/live', trackPlayback(tracker, { viewerToken: { writeUrl: false } }), express.static(folder));
app.use('/api', sessionsApi(cluster, { key: process.env.KEY }));
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
