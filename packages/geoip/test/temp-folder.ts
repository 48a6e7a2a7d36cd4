import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pace } from '../../../test/support/until.js';

/** A folder for each test of a suite, gone after it. */
export function tempFolder(): (name: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'stream-sessions-geoip-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}

/** Waits until it is so, and fails with what it waited for when it does not come. */
export async function until(what: string, isSo: () => boolean, withinMs = 5_000): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (!isSo()) {
    if (Date.now() > giveUpAt) throw new Error(`Waited ${withinMs} ms in vain: ${what}`);
    await pace(5);
  }
}
