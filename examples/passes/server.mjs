/** A live channel for viewers who pay in advance, thirty seconds at a time. See README.md for what to type. */
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';
import { openPassFile, passBook, passesApi, passPolicy, PASS_TYPES } from '@stream-sessions/passes';

const { PORT, MEDIA = 'media', PASSES = 'passes.jsonl', SECONDS = '30' } = process.env;
const port = Number(PORT || 8080);
if (!(port >= 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);

const book = passBook({ store: await openPassFile(PASSES) });
const tracker = createTracker({ policies: [passPolicy(book)] });
book.on('connected', ({ session }) => console.log(`+ ${session.protocol}`));
book.on('disconnected', ({ session }) => console.log(`- ${session.protocol}: ${session.closeReason}`));
book.on('exhausted', ({ pass, reason }) => console.log(`x ${reason} after ${pass.timeCons} s`));

const app = express();
app.get('/', (req, res) => {
  // Whoever has this cookie has what was bought with it.
  if (!/\btoken=/.test(req.headers.cookie ?? ''))
    res.cookie('token', randomUUID(), { httpOnly: true, sameSite: 'lax' });
  res.sendFile(fileURLToPath(new URL('page.html', import.meta.url)));
});
app.get('/hls.js', (req, res) => res.sendFile(createRequire(import.meta.url).resolve('hls.js/dist/hls.light.min.js')));
app.use('/live', trackPlayback(tracker), express.static(MEDIA));
app.post('/buy', async (req, res) => {
  // This is where you would ask for money. A key of the payment makes it safe to ask twice.
  const [, owner] = /\btoken=([\w-]+)/.exec(req.headers.cookie ?? '') ?? [];
  if (owner === undefined) return res.sendStatus(401);
  await book.create(owner, { type: PASS_TYPES.time, timeSecs: Number(SECONDS) });
  res.sendStatus(204);
});
app.use('/api', passesApi(book, { authorize: () => false })); // viewers only: GET /api/me/pass
app.use('/api', sessionsApi(tracker, { url: `http://127.0.0.1:${port}/api` }));
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
async function end() {
  await tracker.stop();
  await book.close();
  process.exit();
}
process.once('SIGINT', end).once('SIGTERM', end);
