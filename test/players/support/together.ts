/**
 * Tests that wait for a clock, each with viewers of its own: all begin with the first one, so that the file takes as long as the
 * longest of them. One that is tried again runs alone.
 */
export function together(tests: Readonly<Record<string, () => Promise<void>>>, timeoutMs = 60_000): void {
  const running = new Map<string, Promise<void>>();
  let haveBegun = false;
  for (const [name, test] of Object.entries(tests)) {
    it(
      name,
      async () => {
        if (!haveBegun) for (const [each, run] of Object.entries(tests)) running.set(each, begin(run));
        haveBegun = true;
        const run = running.get(name) ?? test();
        running.delete(name);
        await run;
      },
      timeoutMs,
    );
  }
}

function begin(test: () => Promise<void>): Promise<void> {
  const run = test();
  // Whose turn it is finds out.
  run.catch(() => undefined);
  return run;
}
