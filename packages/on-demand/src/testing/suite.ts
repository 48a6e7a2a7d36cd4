interface Runner {
  describe(name: string, body: () => void): unknown;
  it: ((name: string, body: () => Promise<void>, timeoutMs?: number) => unknown) & {
    skip(name: string, body: () => Promise<void>): unknown;
  };
}

const CASE_TIMEOUT_MS = 120_000;

/** A case that a subject cannot run. */
export interface Skipped {
  readonly case: string;
  readonly reason: string;
}

/**
 * Registers the cases of a contract with the available test runner.
 *
 * @throws Error if there is none, or if `skip` names a case that does not exist.
 */
export function suite<C extends { readonly name: string }>(
  contract: string,
  title: string,
  cases: readonly C[],
  run: (one: C) => Promise<void>,
  skip: readonly Skipped[] = [],
): void {
  const { describe, it } = globalThis as unknown as Partial<Runner>;
  if (describe === undefined || it === undefined) {
    throw new Error(`${contract}() needs the global describe() and it() of a test runner, and there are none.`);
  }
  for (const { case: skipped } of skip) {
    if (!cases.some(({ name }) => name === skipped)) {
      throw new Error(`${contract}(): there is no case "${skipped}" to skip.`);
    }
  }
  describe(title, () => {
    for (const one of cases) {
      const skipped = skip.find((other) => other.case === one.name);
      if (skipped === undefined) it(one.name, () => run(one), CASE_TIMEOUT_MS);
      else it.skip(`${one.name} (skipped: ${skipped.reason})`, () => run(one));
    }
  });
}
