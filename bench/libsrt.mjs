/** libsrt itself, for the clients of srt.bench.mjs and for the relay that the adapter's is compared with. */
import { createRequire } from 'node:module';
import koffi from 'koffi';

const { libraryNames, loadFirst } = createRequire(import.meta.url)(
  '../packages/srt-adapter/dist/binding/find-library.js',
);

export const [SEND_SYNC, RECEIVE_SYNC, STREAM_ID] = [1, 2, 46];

const library = loadFirst(libraryNames(process.platform), (name) => koffi.load(name));
const int = (name, ...types) => library.func(name, 'int', types);

/** Its functions, as `srt.h` has them. They are started by this import. */
export const srt = {
  create: int('srt_create_socket'),
  set: int('srt_setsockflag', 'int', 'int', 'void *', 'int'),
  get: int('srt_getsockflag', 'int', 'int', 'void *', 'void *'),
  bind: int('srt_bind', 'int', 'void *', 'int'),
  listen: int('srt_listen', 'int', 'int'),
  accept: int('srt_accept', 'int', 'void *', 'void *'),
  localAddress: int('srt_getsockname', 'int', 'void *', 'void *'),
  connect: int('srt_connect', 'int', 'void *', 'int'),
  send: int('srt_send', 'int', 'void *', 'int'),
  receive: int('srt_recv', 'int', 'void *', 'int'),
  statistics: int('srt_bistats', 'int', 'void *', 'int', 'int'),
  close: int('srt_close', 'int'),
  cleanup: int('srt_cleanup'),
};
int('srt_startup')();
library.func('srt_setloglevel', 'void', ['int'])(2); // critical: it would log each time there is nobody to accept
