/**
 * One process of a server that is restarted: HLS, DASH, RTMP, RTSP and SRT from one tracker with a state file. What it tells is
 * appended to a file, line by line, so that all processes together can be read.
 *
 *   node restart-server.mjs <folder of the media> <state file> <file of events>
 */
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import express from 'express';
import { createTracker, fileState } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '@stream-sessions/express-middleware';

const require = createRequire(import.meta.url);
const transport = (name) => require(`../../../examples/live-origin/dist/transports/${name}.js`)[name];
const [folder, stateFile, eventsFile] = process.argv.slice(2);

const tracker = createTracker({ state: fileState(stateFile) });
for (const name of ['opened', 'resumed', 'closed']) {
  tracker.on(name, ({ session: { id, openedAt }, reason }) => {
    appendFileSync(eventsFile, `${JSON.stringify({ name, id, openedAt, reason })}\n`);
  });
}

const app = express();
app.set('trust proxy', 'loopback');
app.get('/player', (req, res) => res.sendFile('restart-player.html', { root: import.meta.dirname ?? '.' }));
app.get('/hls.js', (req, res) => res.sendFile(require.resolve('hls.js/dist/hls.min.js')));
app.get('/dash.js', (req, res) => res.sendFile(require.resolve('dashjs')));
app.use('/live', trackPlayback(tracker), express.static(folder));
app.use('/api', sessionsApi(tracker, { key: process.env.KEY }));

for (const start of [transport('rtmp')(tracker, folder), transport('rtsp')(tracker), transport('srt')(tracker)])
  await start.start();
const server = app.listen(process.env.PORT, '127.0.0.1', () => process.send('listening'));
process.once('SIGTERM', () => void tracker.stop({ keep: true, timeoutMs: 2_000 }).then(() => process.exit(0)));
server.on('error', (error) => {
  throw error;
});
