import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@stream-sessions/core/testing';
import { openHistory } from '../src/index.js';
import { madeUpDirectory, madeUpSession } from '../src/testing/stage.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-history-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('events wait in the journal while the database is away, even if the logger throws', async () => {
  const down = () => Promise.reject(new Error('the database is away'));
  const broken = () => {
    throw new Error('the disk is full');
  };
  const history = await openHistory({
    engine: { name: 'away', query: down, transaction: down, close: async () => undefined },
    journal: join(folder, 'journal'),
    logger: { debug: broken, info: broken, warn: broken, error: broken },
  });
  const directory = madeUpDirectory();
  history.attach(directory);
  directory.emit('opened', { session: madeUpSession({ id: 'a' }) });
  await until('the error is known', () => history.stats().error !== undefined);
  expect(history.stats().journalBytes).toBeGreaterThan(0);
  await history.stop({ timeoutMs: 1 });
});
