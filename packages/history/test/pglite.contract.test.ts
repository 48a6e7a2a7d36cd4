import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgliteEngine } from '@stream-sessions/history/pglite';
import { historyContract } from '@stream-sessions/history/testing';

const folder = mkdtempSync(join(tmpdir(), 'stream-sessions-pglite-'));

historyContract({
  name: 'PGlite',
  start: () => pgliteEngine(join(folder, 'data')),
  stop: () => rmSync(folder, { recursive: true, force: true }),
});
