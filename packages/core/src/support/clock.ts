import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** The source of time for the tracker. Passed in, so that no test has to sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Milliseconds that only increase, whatever the wall clock is set to. Default: `now`. */
  monotonic?(): number;
  /** How long the machine has been running, the same for all its processes. Default: unknown. */
  sinceBoot?(): SinceBoot | undefined;
}

/** A point in time that nobody can set. */
export interface SinceBoot {
  /** Identifies the boot of the machine. */
  readonly boot: string;
  readonly ms: number;
}

/** For measuring durations: not affected by setting the wall clock, if the clock supports that. */
export const monotonic = (clock: Clock): number => clock.monotonic?.() ?? clock.now();

/** The wall clock minus one that nobody can set. It changes when the wall clock is set, and when the machine sleeps. Milliseconds. */
export function clockOffset(clock: Clock): number {
  const now = clock.now();
  return now - (clock.monotonic?.() ?? now);
}

/** As epoch milliseconds, anything below this is before 1974: it must be seconds. */
export const FEWEST_MS = 1e11;

/** The last moment that a `Date` can represent. Epoch milliseconds. */
export const LAST_MS = 8.64e15;

/** The longest that a timer of Node waits, 24 days: one that should wait longer fires at once. Milliseconds. */
export const LONGEST_TIMER_MS = 0x7fffffff;

/**
 * Has a timer of the system clock keep the process alive after all: for the end of something that is awaited, which may be all that
 * is left to do. Other clocks may have timers of another kind.
 */
export const keepAlive = (timer: unknown): unknown => (timer as Partial<NodeJS.Timeout> | undefined)?.ref?.();

let instant: number | undefined;
const wallTime = Date.now;

/** A callback that runs as soon as the event loop has handled everything else. */
class Immediate {
  private readonly immediate: NodeJS.Immediate;

  constructor(fn: () => void) {
    this.immediate = setImmediate(fn);
  }

  clear(): void {
    clearImmediate(this.immediate);
  }
}

/** The wall clock. Its timers never keep a process alive: a tracker watches, it is not the reason to run. */
export const systemClock: Clock = {
  now: () => instant ?? wallTime(),
  setTimeout(fn, ms) {
    // in Node, a timer of 0 ms takes 1 ms: a million sessions in slices would wait for two seconds
    if (ms === 0) return new Immediate(fn);
    return setTimeout(fn, Math.min(ms, LONGEST_TIMER_MS)).unref();
  },
  clearTimeout(timer) {
    if (timer instanceof Immediate) timer.clear();
    else clearTimeout(timer as NodeJS.Timeout);
  },
  monotonic: () => performance.now(),
  sinceBoot() {
    const boot = bootId();
    return boot === undefined ? undefined : { boot, ms: uptime() * 1000 };
  },
};

/** Linux only. */
function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** Runs synchronous work during which the wall clock stands still: reading it ten thousand times costs more than the work. */
export function atOneInstant(work: () => void): void {
  instant ??= wallTime();
  try {
    work();
  } finally {
    instant = undefined;
  }
}
