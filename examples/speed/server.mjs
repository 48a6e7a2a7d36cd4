/** HLS at a speed that can be changed while everybody plays. See README.md for what to type. */
import express from 'express';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';
import { bandwidthCap, speedPolicy } from '@stream-sessions/policies';

const { PORT, MEDIA = 'media' } = process.env;
const port = Number(PORT || 8080);
if (!(port >= 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);
let mbits = 4;
const everybody = speedPolicy({ downMbits: () => mbits });
const previews = speedPolicy({ downMbits: 1, per: 'preview-*' });
const tracker = createTracker({ policies: [bandwidthCap({ maxMbits: 900 }), everybody, previews] });

const app = express();
app.use('/live', trackPlayback(tracker), express.static(MEDIA));
app.use('/api', sessionsApi(tracker, { url: `http://127.0.0.1:${port}/api` }));
app.put('/limit/:mbits', async (req, res) => {
  mbits = Number(req.params.mbits) || undefined; // 0: none
  await tracker.invalidate();
  res.sendStatus(204);
});
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${server.address().port}/live`);
});
setInterval(() => {
  for (const { stream, limits, rateMbits, tags } of tracker.list({ status: 'active' })) {
    console.log(`${stream}: ${rateMbits?.toFixed(2)} of ${limits?.downMbits} Mbit/s ${tags.speed ?? ''}`);
  }
}, 1000).unref();
const end = () => tracker.stop().then(() => process.exit());
process.once('SIGINT', end).once('SIGTERM', end);
