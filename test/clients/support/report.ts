import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Client } from './clients.js';
import type { Outcome } from './trial.js';
import type { Way } from './ways.js';

/** One line of the table, for scripts/clients.mjs. */
export interface Row extends Partial<Outcome> {
  readonly client: string;
  readonly version: string;
  readonly way: Way;
  readonly does: 'plays' | 'publishes';
  /** All that is asked of it was so. */
  isRight?: true;
}

export const resultsFile = path.join(__dirname, '../../../node_modules/.cache/stream-sessions/clients.json');

/** As Debian counts it, without what Debian adds. */
export function versionOf({ debian }: Client): string {
  const { stdout } = spawnSync('dpkg-query', ['--show', '--showformat=${Version}', debian], { encoding: 'utf8' });
  return /^(?:\d+:)?([\d.]+)/.exec(stdout ?? '')?.[1] ?? 'of unknown version';
}
