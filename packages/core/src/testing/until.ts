const POLL_MS = 10;

/**
 * Polls until the answer is truthy, and returns it.
 *
 * @param what What is awaited, as the end of a sentence for the error.
 * @throws Error after the timeout. Default 20,000 ms: the machine may be busy.
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
 * Checks that something does not happen within the time in which it would, as there is no event to wait for.
 *
 * @throws Error if it happens.
 */
export async function stays(what: string, holds: () => boolean | Promise<boolean>, forMs = 200): Promise<void> {
  const end = Date.now() + forMs;
  do {
    if (!(await holds())) throw new Error(`It did not stay so for ${forMs} ms: ${what}`);
    await pace(POLL_MS);
  } while (Date.now() < end);
}

/** The pace of a client between two steps. Not for waiting: see `until` and `stays`. */
export const pace = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
