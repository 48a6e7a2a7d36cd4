import type { Clock } from '../support/clock.js';

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
  /** Moves on by so many milliseconds and runs the timers that fall due, in order, each at its own time. */
  advance(ms: number): void;
  /**
   * Sets the time, forward or back, without running anything: a clock that was set, a machine that slept. As with real
   * timers, those that wait go on waiting for as long as they had to.
   */
  jump(ms: number): void;
  /** Timers that are waiting. */
  readonly pending: number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Default start: 2026-01-01T00:00:00Z. */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  /** What timers go by: it only moves on. */
  let elapsed = 0;
  /** What `now()` says beyond that. */
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
