/** WebSocket clients that answer a close and throw everything else away, for websocket.bench.mjs. Tells what has arrived when asked. */
import { once } from 'node:events';
import { connect } from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);
const CLOSE = 0x88;
const ANSWER = Buffer.from([CLOSE, 0x80, 0, 0, 0, 0]);
let received = 0;

async function client(i) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const lines = [`GET /live/bench?token=t${i} HTTP/1.1`, 'Host: bench', 'Connection: Upgrade', 'Upgrade: websocket'];
  lines.push('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version: 13', '', '');
  socket.write(lines.join('\r\n'));
  await once(socket, 'data');
  socket.on('data', (data) => {
    received += data.length;
    if (data[0] === CLOSE) socket.end(ANSWER);
  });
}
for (let i = 0; i < count; i += 100) await Promise.all(Array.from({ length: 100 }, (_, j) => client(i + j)));

process.on('message', () => process.send({ received }));
process.on('disconnect', () => process.exit());
process.send('ready');
