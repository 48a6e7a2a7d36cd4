import type { Clock } from './clock.js';

/** Waits no longer than so many milliseconds. Resolves with undefined if that is not enough; rejects like the work. */
export async function inTime<T>(work: Promise<T>, ms: number, clock: Clock): Promise<T | undefined> {
  let timer: unknown;
  const late = new Promise<undefined>((resolve) => (timer = clock.setTimeout(() => resolve(undefined), ms)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
