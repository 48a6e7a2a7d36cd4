/**
 * Callers over libsrt in a process of their own, that hang up a given time after they are connected. Usage:
 * rude-callers.mjs PORT HOW_MANY HOLD_MS [STREAM_ID], with an IPC channel. Says how many got through when all are over.
 */
import koffi from 'koffi';

const [port, howMany, holdMs] = process.argv.slice(2, 5).map(Number);
const streamId = Buffer.from(process.argv[5] ?? 'cam1');
const AT_ONCE = 50;
const [SEND_SYNC, RECEIVE_SYNC, STREAM_ID] = [1, 2, 46];
const [CONNECTED, BROKEN] = [5, 6];

const names = ['libsrt.so.1.5', 'libsrt-gnutls.so.1.5', 'libsrt-openssl.so.1.5', 'libsrt.1.5.dylib', 'libsrt.so'];
const library = names.reduce((found, name) => {
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
  close: int('srt_close', 'int'),
  cleanup: int('srt_cleanup'),
};
int('srt_startup')();
library.func('srt_setloglevel', 'void', ['int'])(0);

const address = Buffer.from([2, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
let [begun, connected, over] = [0, 0, 0];

function call() {
  begun++;
  const socket = srt.create();
  for (const option of [SEND_SYNC, RECEIVE_SYNC]) srt.set(socket, option, Buffer.alloc(4), 4);
  srt.set(socket, STREAM_ID, streamId, streamId.length);
  srt.connect(socket, address, address.length);
  const look = () => {
    const state = srt.state(socket);
    if (state < CONNECTED) return void setImmediate(look);
    if (state === CONNECTED) connected++;
    if (state >= BROKEN || holdMs === 0) hangUp();
    else setTimeout(hangUp, holdMs);
  };
  const hangUp = () => {
    srt.close(socket);
    if (++over === howMany) end();
    else if (begun < howMany) call();
  };
  look();
}

function end() {
  srt.cleanup();
  process.send?.({ connected });
  process.disconnect?.();
}

for (let i = 0; i < Math.min(AT_ONCE, howMany); i++) call();
