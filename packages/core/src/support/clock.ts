/** Where the tracker takes its time from. Passed in, so that no test has to sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Milliseconds that only grow, whatever the wall clock is set to. Default: `now`. */
  monotonic?(): number;
}

/** What has passed between two calls is not what somebody sets. */
export const monotonic = (clock: Clock): number => clock.monotonic?.() ?? clock.now();

let instant: number | undefined;
const wallTime = Date.now;

/** The wall clock. Its timers never keep a process alive: a tracker watches, it is not the reason to run. */
export const systemClock: Clock = {
  now: () => instant ?? wallTime(),
  // Node fires a timer at once if it is further away than a signed 32-bit number of milliseconds.
  setTimeout: (fn, ms) => setTimeout(fn, Math.min(ms, 0x7fffffff)).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  monotonic: () => performance.now(),
};

/** Does synchronous work during which the wall clock stands still: reading it ten thousand times costs more than the work. */
export function atOneInstant(work: () => void): void {
  instant ??= wallTime();
  try {
    work();
  } finally {
    instant = undefined;
  }
}
