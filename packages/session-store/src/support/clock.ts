import type { Clock } from '@stream-sessions/core';

const LONGEST_TIMER_MS = 2_147_483_647;

/** The wall clock. Its timers keep no process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Node fires at once what is further away than it can count
  setTimeout: (fn, ms) => setTimeout(fn, Math.min(ms, LONGEST_TIMER_MS)).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
