import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HistoryOptions, openHistory } from '@stream-sessions/history';

const folder = mkdtempSync(join(tmpdir(), 'history-options-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const url = 'postgres://127.0.0.1:1/streams';

it.each<[string, object]>([
  ['url', { url: 'mysql://ann:secret@127.0.0.1/streams' }],
  ['url', { url: '127.0.0.1/streams?password=secret' }],
  ['pool', { pool: {} }],
  ['engine', { engine: { query: () => Promise.resolve([]) } }],
  ['maxJournalBytes', { url, maxJournalBytes: '300000000' }],
  ['progressMs', { url, progressMs: '5000' }],
  ['lostAfterMs', { url, lostAfterMs: '300000' }],
  ['retentionDays.visits', { url, retentionDays: { visits: '90' } }],
  ['ip.afterDays', { url, ip: { then: 'none', afterDays: '7' } }],
  ['logger', { url, logger: console.log }],
])('a %s of another kind is refused at once, and never shown with a password', async (name, wrong) => {
  const options = { journal: join(folder, 'journal'), logger, ...wrong } as HistoryOptions;
  const opened = openHistory(options).then((history) => history.stop());
  await expect(opened).rejects.toMatchObject({
    code: 'ERR_BAD_OPTION',
    message: expect.stringMatching(new RegExp(`^${name} must be (?!.*secret)`)),
  });
});

it.each(['postgresql://127.0.0.1:1/streams', 'socket:/nowhere', '/nowhere streams'])(
  'every spelling that pg takes for a database is taken: %s',
  async (spelling) => {
    const history = await openHistory({ url: spelling, journal: join(folder, 'other'), logger });
    await history.stop();
  },
);
