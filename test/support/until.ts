import { pace } from '@stream-sessions/core/testing';

/** How tests wait. */
export { pace, stays, until } from '@stream-sessions/core/testing';

const LOOK_EVERY_MS = 5;

/**
 * Waits for what has to be so within a time. What other processes of a busy machine take of it does not count: only this one's sleep between
 * two looks, and the CPU that it used meanwhile.
 *
 * @throws Error after the time
 */
export async function soon(what: string, ms: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  let spent = 0;
  while (!(await holds())) {
    if (spent > ms) throw new Error(`It took more than ${ms} ms until ${what}`);
    const [since, before] = [performance.now(), process.cpuUsage()];
    await pace(LOOK_EVERY_MS);
    const { user, system } = process.cpuUsage(before);
    spent += Math.min(performance.now() - since, LOOK_EVERY_MS + (user + system) / 1_000);
  }
}
