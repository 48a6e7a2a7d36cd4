import type * as KoffiModule from 'koffi';
import { loadFirst, unavailable } from './find-library.js';
import { screen, type Ask } from './handshake-filter.js';

type Koffi = typeof KoffiModule;

const OLDEST = 0x010400;

/**
 * The functions of libsrt that are used, with their C semantics: a negative result is a failure. The caller provides the memory.
 */
export interface LibsrtFunctions {
  startup(): number;
  /** Waits for libsrt's threads to end, on another thread. */
  cleanup(done: () => void): void;
  version(): number;
  createSocket(): number;
  setFlag(socket: number, option: number, value: Uint8Array, length: number): number;
  getFlag(socket: number, option: number, value: Uint8Array, length: Int32Array): number;
  bind(socket: number, address: Uint8Array, length: number): number;
  listen(socket: number, backlog: number): number;
  accept(listener: number, address: Uint8Array, length: Int32Array): number;
  connect(socket: number, address: Uint8Array, length: number): number;
  localAddress(socket: number, address: Uint8Array, length: Int32Array): number;
  state(socket: number): number;
  send(socket: number, packet: Uint8Array, length: number, control: null): number;
  receive(socket: number, packet: Uint8Array, length: number): number;
  close(socket: number): number;
  /** On another thread, because it waits for what libsrt is doing with the socket. */
  closeLater(socket: number, done: () => void): void;
  rejectReason(socket: number): number;
  setRejectReason(socket: number, code: number): number;
  /**
   * Asks about every caller before it is admitted; -1 refuses. libsrt's thread waits for the answer. Returns a function that ends
   * this.
   */
  screen(listener: number, ask: Ask): () => void;
  statistics(socket: number, into: Uint8Array, clear: number, instantaneous: number): number;
  lastError(errno: null): number;
  lastErrorText(): string;
  epollCreate(): number;
  epollAdd(epoll: number, socket: number, events: Int32Array): number;
  epollUpdate(epoll: number, socket: number, events: Int32Array): number;
  epollRemove(epoll: number, socket: number): number;
  /** Waits on another thread, and writes pairs of socket and events. */
  epollWait(epoll: number, into: Int32Array, most: number, timeoutMs: number, done: (count: number) => void): void;
  epollRelease(epoll: number): number;
}

/**
 * Loads the system's libsrt, or the one at this path.
 *
 * @throws StreamSessionsError ERR_SRT_UNAVAILABLE if it, or koffi's build for this platform, is missing or too old
 */
export function loadLibsrt(names: readonly string[]): LibsrtFunctions {
  const koffi = loadKoffi();
  const functions = loadFirst(names, (name) => bindAll(koffi, koffi.load(name)));
  const version = functions.version();
  if (version < OLDEST) throw unavailable(`libsrt ${versionText(version)} is too old.`);
  return functions;
}

/** `1.5.1` for 0x010501. */
export const versionText = (version: number): string =>
  `${(version >> 16) & 0xff}.${(version >> 8) & 0xff}.${version & 0xff}`;

/** Loaded only when SRT is used: programs that merely import this package need neither koffi nor libsrt. */
function loadKoffi(): Koffi {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return require('koffi') as Koffi;
  } catch (error) {
    throw unavailable(
      'koffi, through which libsrt is called, has no build for this platform or is not installed.',
      error,
    );
  }
}

type Library = ReturnType<Koffi['load']>;

/** Types are anonymous, because named ones could not be defined a second time in a process. */
function bindAll(koffi: Koffi, library: Library): LibsrtFunctions {
  const bind = (name: string, ...types: string[]) => library.func(name, types[0] as string, types.slice(1));
  const int = (name: string, ...types: string[]) => bind(name, 'int', ...types) as (...values: unknown[]) => number;
  const cleanup = bind('srt_cleanup', 'int');
  const wait = bind('srt_epoll_uwait', 'int', 'int', 'void *', 'int', 'int64_t');
  const setLogLevel = bind('srt_setloglevel', 'void', 'int');
  const closeSocket = bind('srt_close', 'int', 'int');
  const setCallback = int('srt_listen_callback', 'int', 'void *', 'void *');
  const startup = int('srt_startup');
  return {
    startup: () => {
      const result = startup();
      setLogLevel(2); // problems with a stranger's packets do not belong on the operator's stderr
      return result;
    },
    cleanup: (done) => void cleanup.async(() => done()),
    version: bind('srt_getversion', 'uint32_t') as () => number,
    createSocket: int('srt_create_socket'),
    setFlag: int('srt_setsockflag', 'int', 'int', 'void *', 'int'),
    getFlag: int('srt_getsockflag', 'int', 'int', 'void *', 'void *'),
    bind: int('srt_bind', 'int', 'void *', 'int'),
    listen: int('srt_listen', 'int', 'int'),
    accept: int('srt_accept', 'int', 'void *', 'void *'),
    connect: int('srt_connect', 'int', 'void *', 'int'),
    localAddress: int('srt_getsockname', 'int', 'void *', 'void *'),
    state: int('srt_getsockstate', 'int'),
    send: int('srt_sendmsg2', 'int', 'void *', 'int', 'void *'),
    receive: int('srt_recv', 'int', 'void *', 'int'),
    close: closeSocket as (socket: number) => number,
    closeLater: (socket, done) => void closeSocket.async(socket, () => done()),
    rejectReason: int('srt_getrejectreason', 'int'),
    setRejectReason: int('srt_setrejectreason', 'int', 'int'),
    screen: (listener, ask) => screen(koffi, setCallback, listener, ask),
    statistics: int('srt_bistats', 'int', 'void *', 'int', 'int'),
    lastError: int('srt_getlasterror', 'void *'),
    lastErrorText: bind('srt_getlasterror_str', 'const char *') as () => string,
    epollCreate: int('srt_epoll_create'),
    epollAdd: int('srt_epoll_add_usock', 'int', 'int', 'void *'),
    epollUpdate: int('srt_epoll_update_usock', 'int', 'int', 'void *'),
    epollRemove: int('srt_epoll_remove_usock', 'int', 'int'),
    epollWait: (epoll, into, most, timeoutMs, done) =>
      void wait.async(epoll, into, most, timeoutMs, (error: unknown, count: number) => done(error ? -1 : count)),
    epollRelease: int('srt_epoll_release', 'int'),
  };
}
