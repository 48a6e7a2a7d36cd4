/**
 * The least that a relay over libsrt can be, for srt.bench.mjs: it accepts whoever comes, reads the publisher every 10 ms, and
 * sends each packet to everybody else. It notices nobody's end.
 */
import { performance } from 'node:perf_hooks';
import { RECEIVE_SYNC, SEND_SYNC, srt, STREAM_ID } from './libsrt.mjs';

const [ADDRESS, PACKET] = [Buffer.from([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(2048)];
const length = new Int32Array([ADDRESS.length]);
const listener = srt.create();
for (const option of [SEND_SYNC, RECEIVE_SYNC]) srt.set(listener, option, Buffer.alloc(4), 4);
srt.bind(listener, ADDRESS, ADDRESS.length);
srt.listen(listener, 128);
srt.localAddress(listener, ADDRESS, length);
const port = ADDRESS.readUInt16BE(2);

let publisher;
const players = [];

function accept() {
  const socket = srt.accept(listener, ADDRESS, length);
  if (socket < 0) return;
  const text = Buffer.alloc(512);
  srt.get(socket, STREAM_ID, text, new Int32Array([text.length]));
  if (text.includes('m=publish')) publisher = socket;
  else players.push(socket);
}

function relay() {
  for (;;) {
    const bytes = srt.receive(publisher, PACKET, PACKET.length);
    if (bytes <= 0) return;
    for (const player of players) srt.send(player, PACKET, bytes);
  }
}

const turn = setInterval(() => {
  accept();
  if (publisher !== undefined) relay();
}, 10);

process.on('message', () => {
  const { active, idle } = performance.eventLoopUtilization();
  const rss = process.memoryUsage().rss;
  process.send({ cpu: process.cpuUsage(), rss, active, idle, dropped: 0, viewers: players.length });
});
process.on('disconnect', () => {
  clearInterval(turn);
  for (const socket of [publisher, ...players, listener]) srt.close(socket);
  srt.cleanup();
});
process.send({ port });
