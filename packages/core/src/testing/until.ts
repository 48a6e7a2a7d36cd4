const POLL_MS = 10;

/**
 * Asks again and again until the answer is truthy, and returns it.
 *
 * @param what The end of a sentence, for the error: what was waited for.
 * @throws Error when the time is over. Default 20,000 ms: the machine may be busy.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 20_000,
  everyMs = POLL_MS,
): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as Exclude<T, false | null | undefined>;
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}; last: ${String(answer)}`);
    await pace(everyMs);
  }
}

/**
 * Gives what should not happen the time in which it would, for there is no event to wait for. The only way to wait for
 * nothing.
 *
 * @throws Error when it has happened.
 */
export async function stays(what: string, holds: () => boolean | Promise<boolean>, forMs = 200): Promise<void> {
  const end = Date.now() + forMs;
  do {
    if (!(await holds())) throw new Error(`It did not stay so for ${forMs} ms: ${what}`);
    await pace(POLL_MS);
  } while (Date.now() < end);
}

/** A client that takes its time between two steps. Not for waiting: see `until` and `stays`. */
export const pace = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
