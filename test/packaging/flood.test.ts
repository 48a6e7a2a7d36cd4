import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { root } from './support/packages.js';

/** Serves one playlist, with a small heap, and says what is in it when it is asked. */
const SERVER = `
  const http = require('node:http');
  const { createTracker } = require('@stream-sessions/core');
  const { trackPlayback } = require('@stream-sessions/express-middleware');
  const tracker = createTracker({ logger: { debug() {}, info() {}, warn() {}, error() {} } });
  const playback = trackPlayback(tracker, { viewerToken: { writeCookie: true } });
  const server = http.createServer((req, res) => playback(req, res, () => res.end('#EXTM3U')));
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('message', () => {
    gc();
    process.send({ heapUsed: process.memoryUsage().heapUsed, ...tracker.stats() });
  });
`;
const REQUESTS = 15_000;
const AGENT = 'a'.repeat(15_000);

let child: ChildProcess;
afterEach(() => void child.kill());

/** Requests one behind the other on a connection, a batch at a time. */
async function flood(port: number, from: number, to: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let answers = 0;
  let wake = () => {};
  socket.on('data', (data: Buffer) => {
    for (let at = data.indexOf('#EXTM3U'); at >= 0; at = data.indexOf('#EXTM3U', at + 7)) answers++;
    wake();
  });
  socket.on('close', () => (answers = Infinity));
  for (let sent = 0; from + sent < to;) {
    let batch = '';
    for (let i = 0; i < 25; i++, sent++) {
      batch += `GET /live/cam1/index.m3u8 HTTP/1.1\r\nHost: h\r\nUser-Agent: ${from + sent}${AGENT}\r\n\r\n`;
    }
    socket.write(batch);
    // one that falls between two reads goes unseen
    while (answers < sent * 0.95) await new Promise<void>((resolve) => (wake = resolve));
  }
  socket.destroy();
}

it('15,000 User-Agents of 15 KB from a stranger do not exhaust a process of 256 MB', async () => {
  const options = ['--max-old-space-size=256', '--expose-gc', '-e', SERVER];
  child = spawn(process.execPath, options, { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [port] = (await once(child, 'message')) as [number];
  const quarter = REQUESTS / 4;
  await Promise.all([0, 1, 2, 3].map((n) => flood(port, n * quarter, (n + 1) * quarter)));
  child.send('how much?');
  const [seen] = (await once(child, 'message')) as [{ heapUsed: number; openedTotal: number }];
  expect(seen.openedTotal).toBeGreaterThan(9_000);
  // 2 KB of each User-Agent are shown in the list, and the rest is gone
  expect(seen.heapUsed).toBeLessThan(80_000_000);
});
