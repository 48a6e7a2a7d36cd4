/** Asks again and again until the answer is truthy, and returns it; fails with what was waited for. */
export async function until<T>(what: string, ask: () => T | Promise<T>, timeoutMs = 5_000): Promise<NonNullable<T>> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}; last: ${String(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Gives what should not happen the time in which it would, for there is no event to wait for; fails when it has happened.
 * The only place where tests wait for nothing.
 */
export async function stays(what: string, holds: () => boolean | Promise<boolean>, forMs: number): Promise<void> {
  const end = Date.now() + forMs;
  do {
    if (!(await holds())) throw new Error(`It did not stay so for ${forMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  } while (Date.now() < end);
}
