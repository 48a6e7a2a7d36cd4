import assert from 'node:assert/strict';

const POLL_MS = 10;

/** Waits until the condition holds; fails with `what` when it does not within the time. */
export async function until(what: string, condition: () => boolean, withinMs = 5_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > end) assert.fail(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Gives what should not happen the time in which it would: there is no event to wait for. Fails when it happened. */
export async function stays(what: string, condition: () => boolean, forMs = 200): Promise<void> {
  const end = Date.now() + forMs;
  while (Date.now() < end) {
    if (!condition()) assert.fail(`it did not stay so for ${forMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
