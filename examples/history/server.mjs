/** Remembers who watched a live channel, in a folder or in PostgreSQL. See README.md for what to type. */
import { once } from 'node:events';
import express from 'express';
import { createTracker, fileState } from '@stream-sessions/core';
import { localOnly, trackPlayback } from '@stream-sessions/express-middleware';
import { historyApi, openHistory } from '@stream-sessions/history';

const { PORT, MEDIA = 'media', DATABASE_URL } = process.env;
const port = Number(PORT || 8080);
if (!(port >= 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);

// Who watches outlives a crash: a visit that goes on in the next process is the same visit.
const tracker = createTracker({ state: fileState('viewers.state') });
const place = DATABASE_URL ? { url: DATABASE_URL } : { dataDir: 'history' };
const history = await openHistory(place);
history.attach(tracker);

const app = express();
app.use('/live', trackPlayback(tracker), express.static(MEDIA));
app.use('/api/history', historyApi(history, { authorize: localOnly }));
const server = app.listen(port, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;
console.log(`${url}/live/cam1/index.m3u8`);
console.log(`${url}/api/history/visits`);

async function end() {
  await tracker.stop();
  await history.stop();
  process.exit();
}
process.once('SIGINT', end).once('SIGTERM', end);
