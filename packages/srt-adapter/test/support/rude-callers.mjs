/**
 * Callers over libsrt in a process of their own, for rude-callers.ts. They hang up `holdMs` after they are connected, and with
 * `floods` send until then all that libsrt takes. Says how many got through, how many of the floods were cut, and
 * what they sent, when all are over.
 */
import koffi from 'koffi';

const options = JSON.parse(process.argv[2]);
const { port, howMany, holdMs, floods, latencyMs } = options;
const streamId = Buffer.from(options.streamId);
const AT_ONCE = 50;
const [SEND_SYNC, RECEIVE_SYNC, LATENCY, STREAM_ID] = [1, 2, 23, 46];
const [CONNECTED, BROKEN] = [5, 6];

const library = options.names.reduce((found, name) => {
  try {
    return found ?? koffi.load(name);
  } catch {
    return found;
  }
}, undefined);
const int = (name, ...types) => library.func(name, 'int', types);
const srt = {
  create: int('srt_create_socket'),
  set: int('srt_setsockflag', 'int', 'int', 'void *', 'int'),
  connect: int('srt_connect', 'int', 'void *', 'int'),
  state: int('srt_getsockstate', 'int'),
  send: int('srt_send', 'int', 'void *', 'int'),
  close: int('srt_close', 'int'),
  cleanup: int('srt_cleanup'),
};
int('srt_startup')();
library.func('srt_setloglevel', 'void', ['int'])(0);

const address = Buffer.from([2, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
const packet = Buffer.alloc(1316, 0x47);
let [begun, connected, cut, over, sent] = [0, 0, 0, 0, 0];

function number(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function call() {
  begun++;
  const socket = srt.create();
  for (const option of [SEND_SYNC, RECEIVE_SYNC]) srt.set(socket, option, number(0), 4);
  srt.set(socket, LATENCY, number(latencyMs), 4);
  srt.set(socket, STREAM_ID, streamId, streamId.length);
  srt.connect(socket, address, address.length);
  const look = () => {
    const state = srt.state(socket);
    if (state < CONNECTED) return void setImmediate(look);
    if (state === CONNECTED) connected++;
    if (state >= BROKEN || holdMs === 0) hangUp();
    else timer = setTimeout(hangUp, holdMs);
  };
  const flood = () => {
    if (srt.state(socket) >= BROKEN) return void (cut++, hangUp());
    for (let i = 0; i < 200 && srt.send(socket, packet, packet.length) > 0; i++) sent += packet.length;
  };
  const flooding = floods ? setInterval(flood, 2) : undefined;
  let [timer, isOver] = [undefined, false];
  const hangUp = () => {
    if (isOver) return;
    isOver = true;
    clearInterval(flooding);
    clearTimeout(timer);
    srt.close(socket);
    if (++over === howMany) end();
    else if (begun < howMany) call();
  };
  look();
}

/** Where many hang up while they connect, libsrt's clean-up may wait for itself for ever: nobody waits for it. */
function end() {
  const say = () => process.send({ connected, cut, sent }, () => process.kill(process.pid, 'SIGKILL'));
  const late = setTimeout(say, 5_000);
  srt.cleanup.async(() => {
    clearTimeout(late);
    say();
  });
}

for (let i = 0; i < Math.min(AT_ONCE, howMany); i++) call();
