/** HLS from four processes on one port, with one list of their viewers. See README.md for what to type. */
import workers from 'node:cluster';
import { randomBytes } from 'node:crypto';
import express from 'express';
import { createClient } from 'redis';
import { joinCluster, redisLink, workerLink } from '@stream-sessions/cluster';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';

const { PORT, MEDIA = 'media', REDIS_URL: url, KEY = randomBytes(24).toString('base64url') } = process.env;
const port = Number(PORT || 8080);
if (!(port > 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);

if (workers.isPrimary) {
  let [isUp, isEnding] = [false, false];
  const start = () => isEnding || workers.fork({ KEY });
  for (let n = 0; n < 4; n++) start();
  // after a pause, or workers that crash would keep the machine busy; those that could never start have said why
  workers.on('exit', () => isEnding || (isUp ? setTimeout(start, 1_000) : process.exit(1)));
  workers.once('listening', () => {
    isUp = true;
    console.log(`http://127.0.0.1:${port}/api/sessions?key=${KEY}`);
  });
  const end = () => {
    isEnding = true; // it ends when its workers have
    for (const worker of Object.values(workers.workers)) worker.process.kill();
  };
  process.on('SIGINT', end).on('SIGTERM', end);
} else {
  const redis = url && (await createClient({ url }).on('error', console.error).connect());
  const tracker = createTracker({ fingerprintKey: KEY });
  const cluster = await joinCluster(tracker, { via: redis ? redisLink(redis) : workerLink() });
  cluster.on('opened', ({ session: s }) => console.log(`+ ${s.userName} watches ${s.stream}`));
  cluster.on('closed', ({ session: s }) => console.log(`- ${s.userName} left ${s.stream}: ${s.closeReason}`));

  const app = express();
  app.use('/live', trackPlayback(tracker), express.static(MEDIA));
  app.use('/api', sessionsApi(cluster, { key: KEY, keyFile: '.stream-sessions-key' }));
  app.listen(port, '127.0.0.1');
  const leave = () => cluster.leave().then(() => process.exit());
  process.once('SIGINT', leave).once('SIGTERM', leave);
}
