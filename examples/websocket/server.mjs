/** Who publishes and who watches over WebSocket, with a token at the door. See README.md for what to type. */
import { createServer } from 'node:http';
import { createTracker } from '@stream-sessions/core';
import { attachWebSocketServer } from '@stream-sessions/websocket-adapter';
import { WebSocketServer } from 'ws';

const no = { allow: false, reason: 'unauthorized', kind: 'credentials' };
const mayIn = ({ token }) => (token === 'secret' ? { allow: true } : no);

const tracker = createTracker({ policies: [{ name: 'door', admit: mayIn }] });
tracker.on('opened', ({ session: s }) => console.log(`+ ${s.kind} of ${s.stream}`));
tracker.on('closed', ({ session: s, reason }) => {
  console.log(`- ${s.kind} of ${s.stream}: ${reason}, ${s.kind === 'input' ? s.bytesReceived : s.bytes} bytes`);
});
tracker.on('denied', ({ denial }) => console.log(`x ${denial.reason}`));

const server = createServer();
const wss = new WebSocketServer({ server, maxPayload: 1024 * 1024 });
const publishes = ({ url }) => url.startsWith('/publish/');
const streamOf = ({ url }) => url.split('?', 1)[0].split('/')[2] || undefined; // /live/cam1, /publish/cam1
attachWebSocketServer(wss, tracker, {
  stream: streamOf,
  hit: (request, hit) => (publishes(request) ? { ...hit, kind: 'input' } : hit),
});

wss.on('connection', (ws, request) => {
  ws.watches = publishes(request) ? undefined : streamOf(request);
  if (ws.watches) return;
  const stream = streamOf(request);
  ws.on('message', (data) => {
    // what a slow one has not taken yet is enough: it misses some, and is stalled when it takes nothing at all
    for (const each of wss.clients) if (each.watches === stream && each.bufferedAmount < 4_000_000) each.send(data);
  });
});

server.listen(Number(process.env.PORT || 8080), '127.0.0.1', () => {
  console.log(`ws://127.0.0.1:${server.address().port}/live/cam1`);
});
async function end() {
  await tracker.stop();
  server.close();
  server.closeAllConnections();
}
process.once('SIGINT', end).once('SIGTERM', end);
