/** A desktop in the browser, and the list of who looks at it. See README.md for what to type. */
import { fileURLToPath } from 'node:url';
import express from 'express';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi } from '@stream-sessions/express-middleware';
import { createVncProxy } from '@stream-sessions/websocket-adapter';

const { PORT, VNC } = process.env;
const www = Number(PORT || 8080);
const { hostname: host, port } = new URL(`vnc://${VNC || '127.0.0.1:5901'}`);
const noVNC = fileURLToPath(new URL('..', import.meta.resolve('@novnc/novnc')));

const tracker = createTracker();
tracker.on('opened', ({ session: s }) => console.log(`+ ${s.ip} looks at ${s.stream}`));
tracker.on('closed', ({ session: s, reason }) => console.log(`- ${s.ip}: ${reason}, ${s.bytes} bytes`));

const target = () => ({ host, port: Number(port) }); // one desktop; yours may look up request.url
const vnc = createVncProxy({ tracker, target, allow: [`127.0.0.1:${port}`] });

const app = express();
app.use('/api', sessionsApi(tracker, { url: `http://127.0.0.1:${www}/api` })); // prints its key
app.use('/novnc', express.static(noVNC));
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));
const server = app.listen(www, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${server.address().port}/?desktop=desk1`);
});
server.on('upgrade', vnc.handleUpgrade);
async function end() {
  server.close();
  await vnc.close();
  await tracker.stop();
  server.closeAllConnections();
}
process.once('SIGINT', end).once('SIGTERM', end);
