/** Cameras that are encoded while somebody watches. See README.md for what to type. */
import express from 'express';
import { createTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { createSources, processDriver } from '@stream-sessions/on-demand';

const { PORT, MEDIA = 'media', SLEEP_AFTER = '60' } = process.env;
const port = Number(PORT || 8080);
if (!(port >= 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);
const cameras = { name: 'cameras', stage: 'authorise', admit: ({ stream }) => mayWatch(stream) };
const mayWatch = (stream) => (/^cam-[1-9]$/.test(stream) ? { allow: true } : { allow: false, reason: 'unauthorized' });
const tracker = createTracker({ policies: [cameras] });

// a test picture in place of a camera: `-i rtsp://camera-{n}.local/ -c copy`
const input = '-loglevel error -re -f lavfi -i testsrc2=size=640x360:rate=25 -c:v libx264 -preset ultrafast -g 25';
const hls = `-pix_fmt yuv420p -f hls -hls_time 1 -hls_flags delete_segments+temp_file ${MEDIA}/cam-{n}/index.m3u8`;
const driver = processDriver({ command: ['ffmpeg', ...`${input} ${hls}`.split(' ')] });
const sources = createSources(tracker, {
  sources: [{ pattern: 'cam-{n}', driver, playlist: `${MEDIA}/cam-{n}/index.m3u8` }],
  hibernateAfterMs: Number(SLEEP_AFTER) * 1000,
});
tracker.on('source', ({ stream, change, detail = '' }) => console.log(`${stream} ${change} ${detail}`.trim()));

const app = express();
app.use('/live', trackPlayback(tracker, { ready: sources.ready }), express.static(MEDIA));
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${server.address().port}/live/cam-1/index.m3u8`);
});
async function end() {
  await tracker.stop();
  await sources.close();
  process.exit();
}
process.once('SIGINT', end).once('SIGTERM', end);
