import type { Clock } from '../support/clock.js';

/** A clock that moves only when you advance it. */
export interface FakeClock extends Clock {
  /** Advances by this many milliseconds and runs the timers that fall due, in order, each at its own time. */
  advance(ms: number): void;
  /**
   * Sets the time, forward or back, without running anything: a clock that was set, a machine that slept. As with real
   * timers, pending ones still wait for their full time.
   */
  jump(ms: number): void;
  /** The number of pending timers. */
  readonly pending: number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Makes a fake clock. Default start: 2026-01-01T00:00:00Z. */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  /** The time that timers use: it only moves forward. */
  let elapsed = 0;
  /** The offset that `now()` adds to it. */
  let offset = start;
  let order = 0;
  const timers = new Set<Timer>();

  const nextDue = (until: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.at > until) continue;
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  };

  return {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    setTimeout: (fn, ms) => {
      const timer = { at: elapsed + Math.max(0, ms), order: order++, fn };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer as Timer),
    advance: (ms) => {
      const until = elapsed + ms;
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer);
        elapsed = Math.max(elapsed, timer.at);
        timer.fn();
      }
      elapsed = Math.max(elapsed, until);
    },
    jump: (ms) => {
      offset += ms;
    },
    get pending() {
      return timers.size;
    },
  };
}
