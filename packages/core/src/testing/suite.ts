/** Cases take a few seconds at most; a loaded machine gets more. Milliseconds. */
const CASE_TIMEOUT_MS = 120_000;

type Register = (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;

interface Runner {
  describe: (name: string, body: () => void) => unknown;
  it: Register & { skip: Register };
}

/** A case that the subject of a contract cannot run. */
export interface SkippedCase {
  /** The name of the case, as the suite prints it. */
  case: string;
  /** Printed beside the name. */
  reason: string;
}

interface NamedCase {
  readonly name: string;
}

/**
 * Registers the cases of a contract with the test runner that has `describe` and `it` as globals: Jest, Mocha, or Vitest with
 * `globals`.
 *
 * @throws Error if there is no test runner, or if `skip` names a case that does not exist.
 */
export function registerSuite<C extends NamedCase>(
  contract: string,
  title: string,
  cases: readonly C[],
  run: (one: C) => Promise<void>,
  skip: readonly SkippedCase[] = [],
): void {
  const unknown = skip.find((skipped) => !cases.some(({ name }) => name === skipped.case));
  if (unknown !== undefined) {
    const known = cases.map(({ name }) => `"${name}"`).join(', ');
    throw new Error(`${contract}: there is no case "${unknown.case}" to skip. The cases are ${known}.`);
  }
  const { describe, it } = runner(contract);
  describe(title, () => {
    for (const one of cases) {
      const skipped = skip.find((other) => other.case === one.name);
      if (skipped === undefined) it(one.name, () => run(one), CASE_TIMEOUT_MS);
      else it.skip(`${one.name} (skipped: ${skipped.reason})`, () => run(one), CASE_TIMEOUT_MS);
    }
  });
}

function runner(contract: string): Runner {
  const found = globalThis as Partial<Runner>;
  if (typeof found.describe === 'function' && typeof found.it === 'function') return found as Runner;
  throw new Error(
    `${contract}() registers its cases with the global describe() and it() of a test runner, and there are none. ` +
      'Call it in a test file of Jest or Mocha; with Vitest set `globals: true`.',
  );
}
