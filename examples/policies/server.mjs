/** HLS for who has a link of this site, two streams per address at a time. See README.md for what to type. */
import { randomBytes } from 'node:crypto';
import express from 'express';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';
import { concurrencyPolicy, signedUrlPolicy, signUrl } from '@stream-sessions/policies';

const { PORT, MEDIA = 'media', URL_KEY: key = randomBytes(32).toString('hex') } = process.env;
const port = Number(PORT || 8080);
if (!(port >= 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);
const limit = concurrencyPolicy({ per: 'ip', max: 2, onExceed: 'replace-oldest' });
const tracker = createTracker({ policies: [signedUrlPolicy({ keys: key }), limit] });
tracker.on('opened', ({ session: s }) => console.log(`+ ${s.stream}`));
tracker.on('closed', ({ session: s }) => console.log(`- ${s.stream}: ${s.closeReason}`));
tracker.on('denied', ({ denial }) => console.log(`x ${denial.reason}`));

const app = express();
// here you would look who is logged in
app.get('/watch/:stream', ({ params: { stream }, ip }, res) => {
  const expiresAt = Date.now() + 3_600_000;
  res.redirect(signUrl(`/live/${encodeURIComponent(stream)}/index.m3u8`, { key, stream, ip, expiresAt }));
});
app.use('/live', trackPlayback(tracker), express.static(MEDIA));
app.use('/api', sessionsApi(tracker, { url: `http://127.0.0.1:${port}/api` }));
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${server.address().port}/watch/cam1`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => tracker.stop().then(() => process.exit()));
