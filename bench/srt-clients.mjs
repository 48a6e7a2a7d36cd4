/** One publisher and many players over libsrt, in a process of their own, for srt.bench.mjs. */
import { RECEIVE_SYNC, SEND_SYNC, srt, STREAM_ID } from './libsrt.mjs';

const [port, players, mbits] = process.argv.slice(2).map(Number);
const PACKET = 1316;

const address = Buffer.from([2, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
function call(streamId) {
  const socket = srt.create();
  const id = Buffer.from(streamId);
  srt.set(socket, STREAM_ID, id, id.length);
  srt.connect(socket, address, address.length); // waits until it is connected
  for (const option of [SEND_SYNC, RECEIVE_SYNC]) srt.set(socket, option, Buffer.alloc(4), 4);
  return socket;
}

const publisher = call('#!::r=live/bench,m=publish');
const receivers = Array.from({ length: players }, (_, i) => ({ socket: call(`live/bench?token=t${i}`), next: -1 }));
const [out, into] = [Buffer.alloc(PACKET), Buffer.alloc(2048)];
let [sent, received, missed] = [0, 0, 0];

const since = performance.now();
const sending = setInterval(() => {
  const due = (((performance.now() - since) / 1000) * mbits * 1e6) / 8 / PACKET;
  while (sent < due) {
    out.writeUInt32BE(sent, 1);
    if (srt.send(publisher, out, PACKET) < 0) break;
    sent++;
  }
}, 2);
const receiving = setInterval(() => {
  for (const receiver of receivers) {
    while (srt.receive(receiver.socket, into, into.length) > 0) {
      const number = into.readUInt32BE(1);
      if (receiver.next >= 0) missed += number - receiver.next;
      receiver.next = number + 1;
      received++;
    }
  }
}, 5);

process.on('message', () => process.send({ sent, received, missed }));
process.on('disconnect', () => {
  clearInterval(sending);
  clearInterval(receiving);
  for (const socket of [publisher, ...receivers.map((receiver) => receiver.socket)]) srt.close(socket);
  srt.cleanup();
});
process.send('ready');
