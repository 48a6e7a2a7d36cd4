/**
 * Says `head` and then `body` again and again, over many connections, in a process of its own: what waits here must not be
 * counted as the server's. Tells what the server took, and how many connections it ended.
 */
import { connect } from 'node:net';

/** A server that takes nothing for so long has stopped to read. */
const STUCK_MS = 10_000;
/** One that takes everything for so long will not hang up. */
const LONGEST_MS = 15_000;
/** When all is said it stays for a while. */
const PARKED_MS = 500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());
const hears = (socket, event) => new Promise((resolve) => socket.once(event, resolve));

async function flood({ port, head, body, bytes, isDeaf }) {
  const socket = connect(port, '127.0.0.1');
  let isCut = false;
  socket.on('error', () => undefined);
  socket.on('end', () => (isCut = true));
  if (!isDeaf) socket.resume();
  const closed = hears(socket, 'close').then(() => (isCut = true));
  await Promise.race([hears(socket, 'connect'), closed]);
  socket.write(Buffer.from(head, 'base64'));
  const part = Buffer.from(body, 'base64');
  const end = Date.now() + LONGEST_MS;
  for (let left = bytes; left > 0 && !isCut && Date.now() < end; left -= part.length) {
    if (socket.write(part)) continue;
    const drained = hears(socket, 'drain').then(() => true);
    if ((await Promise.race([drained, closed, pause(STUCK_MS)])) !== true) break;
  }
  await Promise.race([closed, pause(PARKED_MS)]);
  const result = { sent: socket.bytesWritten - socket.writableLength, cut: Number(isCut) };
  socket.destroy();
  return result;
}

process.once('message', async ({ connections, ...one }) => {
  const results = await Promise.all(Array.from({ length: connections }, () => flood(one)));
  const sum = (name) => results.reduce((total, result) => total + result[name], 0);
  process.send({ sent: sum('sent'), cut: sum('cut') });
  process.disconnect();
});
