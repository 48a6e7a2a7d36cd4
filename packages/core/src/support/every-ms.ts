import type { Clock } from './clock.js';

/** Calls `work` every `ms` milliseconds, until the function that it returns is called. */
export function everyMs(clock: Clock, ms: number, work: () => void): () => void {
  const tick = (): void => {
    // Scheduled first, because `work` may stop it.
    timer = clock.setTimeout(tick, ms);
    work();
  };
  let timer = clock.setTimeout(tick, ms);
  return () => clock.clearTimeout(timer);
}
