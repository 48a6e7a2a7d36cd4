import { ERR, IN } from './constants.js';
import type { LibsrtFunctions } from './libsrt-functions.js';

/** Events taken in one turn; the others are there in the next. */
const MOST = 256;
/** A wait ends by itself after this long. Nothing depends on it. */
const WAIT_MS = 250;

/**
 * How often every socket is looked at, whatever the poll says. It says nothing of a connection that broke before it was
 * added, and nothing any more of one that libsrt has put away, which it does a second after the break: a busy process is late.
 */
const LOOK_EVERY_MS = 1000;

/**
 * After a turn the loop rests so many times as long as that took, up to this many milliseconds, unless somebody is behind. With a
 * hundred players every packet is a hundred calls that wait for libsrt's threads: it is cheaper to make them for several packets.
 */
const REST = 10;
const LONGEST_REST_MS = 10;

/**
 * Told what may have happened to a socket, a set of IN and ERR: whether it has, the socket's own state says. Returns true when
 * it has not done all that there is to do.
 */
export type Watcher = (events: number) => boolean | void;

/**
 * Waits for events of all sockets of the process. One wait at a time, and it runs on a thread of Node's pool, of which
 * there are four: one loop per listener would soon have taken all.
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

  /** Calls back when the last wait has come to its end. For when no socket is left. */
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
    // Gone since: a watcher before this one has closed it.
    const watcher = this.watchers.get(socket);
    try {
      return watcher?.(events) === true;
    } catch (error) {
      // as with any listener: the process hears of it, and the other sockets are served
      process.nextTick(() => {
        throw error;
      });
      return false;
    }
  }
}
