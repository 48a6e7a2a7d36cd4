/** Tells a receiver, here in the same program, who watches a live channel. See README.md for what to type. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import express from 'express';
import { Webhook } from 'standardwebhooks';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';
import { createWebhooks } from '@stream-sessions/webhooks';

const { PORT, MEDIA = 'media', SECRET = `whsec_${randomBytes(32).toString('base64')}` } = process.env;
const port = Number(PORT || 8080);
if (!(port >= 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);

const tracker = createTracker();
const app = express();
app.use('/live', trackPlayback(tracker), express.static(MEDIA));
app.use('/api', sessionsApi(tracker, { url: `http://127.0.0.1:${port}/api` }));
// The receiver. What comes twice has the same `webhook-id`: one that counts remembers the latest of them.
app.post('/hook', express.text({ type: () => true }), ({ body, headers }, res) => {
  try {
    const { type, data } = new Webhook(SECRET).verify(body, headers);
    console.log(`${type} ${data.stream_code} ${data.user_name} ${data.reason ?? ''}`.trimEnd());
    res.sendStatus(204);
  } catch {
    res.sendStatus(401);
  }
});
const server = app.listen(port, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;
const endpoints = [{ name: 'receiver', url: `${url}/hook`, secrets: [SECRET] }];
const webhooks = await createWebhooks(tracker, { endpoints, journal: 'webhooks.journal', allowPrivateNetworks: true });
console.log(`${url}/live/cam1/index.m3u8`);
const end = () => tracker.stop().then(() => webhooks.stop().then(() => process.exit()));
process.once('SIGINT', end).once('SIGTERM', end);
