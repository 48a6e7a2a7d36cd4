import { ERR, IN } from './constants.js';
import type { LibsrtFunctions } from './libsrt-functions.js';

/** The most events taken in one turn; the others follow in the next. */
const MOST = 256;
/** A wait ends on its own after this long. Nothing depends on it. Milliseconds. */
const WAIT_MS = 250;

/**
 * How often every socket is checked, whatever the poll reports. It does not report a connection that broke before it was added,
 * nor one that libsrt has disposed of, a second after the break: a busy process may be too late. Milliseconds.
 */
const LOOK_EVERY_MS = 1000;

/**
 * After a turn, the loop rests this many times as long as that took, up to the given number of milliseconds, unless a socket is
 * behind. With a hundred players, every packet means a hundred calls that wait for libsrt's threads: it is cheaper to make them
 * for several packets at once.
 */
const REST = 50;
const LONGEST_REST_MS = 10;

/**
 * Called with what may have happened to a socket, a combination of IN and ERR: the socket's own state shows whether it has.
 * Returns true if it has not finished its work.
 */
export type Watcher = (events: number) => boolean | void;

/**
 * Waits for events on all sockets of the process. Only one wait runs at a time, on a thread of Node's pool, which has four: with
 * one loop per listener they would soon all be taken.
 */
export class EpollLoop {
  private readonly watchers = new Map<number, Watcher>();
  private readonly happened = new Int32Array(2 * MOST);
  private readonly wanted = new Int32Array(1);
  private readonly epoll: number;
  private waiting = false;
  private looking: NodeJS.Timeout | undefined = undefined;
  private onIdle: (() => void) | undefined = undefined;

  constructor(private readonly srt: LibsrtFunctions) {
    this.epoll = srt.epollCreate();
  }

  add(socket: number, events: number, watcher: Watcher): void {
    this.wanted[0] = events;
    this.srt.epollAdd(this.epoll, socket, this.wanted);
    this.watchers.set(socket, watcher);
    this.looking ??= setInterval(this.look, LOOK_EVERY_MS);
    if (!this.waiting) this.wait();
  }

  change(socket: number, events: number): void {
    this.wanted[0] = events;
    this.srt.epollUpdate(this.epoll, socket, this.wanted);
  }

  remove(socket: number): void {
    if (!this.watchers.delete(socket)) return;
    this.srt.epollRemove(this.epoll, socket);
    if (this.watchers.size > 0) return;
    clearInterval(this.looking);
    this.looking = undefined;
  }

  /** Calls back when the last wait has ended. For use when no socket is left. */
  end(done: () => void): void {
    const release = (): void => {
      this.srt.epollRelease(this.epoll);
      done();
    };
    if (this.waiting) this.onIdle = release;
    else release();
  }

  private wait(): void {
    this.waiting = true;
    this.srt.epollWait(this.epoll, this.happened, MOST, WAIT_MS, this.woken);
  }

  private readonly woken = (count: number): void => {
    const since = performance.now();
    let isBehind = count === MOST;
    for (let i = 0; i < count; i++) {
      if (this.tell(this.happened[2 * i] as number, this.happened[2 * i + 1] as number)) isBehind = true;
    }
    const restMs = isBehind ? 0 : Math.min(REST * (performance.now() - since), LONGEST_REST_MS);
    if (restMs < 1) this.goOn();
    else setTimeout(this.goOn, restMs);
  };

  private readonly goOn = (): void => {
    this.waiting = false;
    // without sockets it would return at once, over and over
    if (this.watchers.size > 0) return this.wait();
    this.onIdle?.();
    this.onIdle = undefined;
  };

  private readonly look = (): void => {
    for (const socket of this.watchers.keys()) this.tell(socket, IN | ERR);
  };

  private tell(socket: number, events: number): boolean {
    // Closed meanwhile by a watcher called earlier.
    const watcher = this.watchers.get(socket);
    try {
      return watcher?.(events) === true;
    } catch (error) {
      // as for any listener: the error surfaces in the process, and the other sockets are still served
      process.nextTick(() => {
        throw error;
      });
      return false;
    }
  }
}
