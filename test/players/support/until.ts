/**
 * Asks again and again until the answer is truthy, and returns it. Fails with what was waited for and the last answer.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  { timeoutMs = 15_000, everyMs = 50 } = {},
): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as Exclude<T, false | null | undefined>;
    if (Date.now() > end)
      throw new Error(`Waited ${timeoutMs} ms in vain until ${what}; last answer: ${String(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
