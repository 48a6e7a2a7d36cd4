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
