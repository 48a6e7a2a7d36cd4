import assert from 'node:assert/strict';

const POLL_MS = 5;

/** For `assert.rejects`: an error of this code, with these words in its message. */
export const code = (expected: string, words?: string) => (error: unknown) => {
  assert.ok(error instanceof Error);
  assert.equal((error as Error & { code?: string }).code, expected);
  if (words !== undefined) assert.ok(error.message.includes(words), error.message);
  return true;
};

export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > end) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
