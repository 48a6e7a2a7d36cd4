import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgliteEngine } from '@stream-sessions/history/pglite';
import { migrate } from '../src/migrate.js';
import { MIGRATIONS } from '../src/sql/migrations/index.js';
import { madeUpSession, START } from '../src/testing/stage.js';
import { Stage } from './support/stage.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const KEY = 'a key of sixteen characters or more';
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.begin();
}, 180_000);
afterEach(() => stage.clear(), 180_000);
afterAll(() => stage.end(), 180_000);

/** A visit, closed after two minutes. */
const visitOf = (over: Parameters<typeof madeUpSession>[0] = {}) => {
  const { openedAt } = madeUpSession(over);
  const end = openedAt + 2 * MINUTE;
  return { session: { ...madeUpSession(over), updatedAt: end, closedAt: end, closeReason: 'idle' } };
};

/** All that is in the tables, as text. */
const everything = async (): Promise<string> => {
  const tables = ['visits', 'denials', 'day_viewers', 'minutes'];
  const rows = await Promise.all(
    tables.map((table) => stage.engine.query(`SELECT * FROM stream_sessions.${table}`, [])),
  );
  return JSON.stringify(rows);
};

describe('what is kept of an address', () => {
  // what a tracker without a secret would make of an address: whoever has the id can try all addresses
  const idOf = (ip: string) => createHash('sha256').update(ip).digest('hex').slice(0, 16);
  const ip = '198.51.77.200';
  const id = idOf(ip);
  const viewer = { id, ip, ips: [ip], userName: id.slice(0, 8), namedBy: 'fingerprint' as const };

  it.each([
    ['truncated', '198.51.77.0/24'],
    ['none', undefined],
  ] as const)('%s: without the key, the data does not tell it from 65,536 others', async (mode, shown) => {
    const { history, directory } = await stage.open({ ip: mode, key: KEY });
    directory.emit('closed', visitOf(viewer));
    await history.flushed();
    expect((await history.visits()).visits[0]?.ip).toBe(shown);
    const text = await everything();
    const hits: string[] = [];
    for (let n = 0; n < 65_536; n++) {
      const guess = `198.51.${n >> 8}.${n & 255}`;
      const guessed = idOf(guess);
      const hash = createHash('sha256').update(`ip\n${guess}\n${madeUpSession().userAgent}`).digest();
      const wrong = createHmac('sha256', 'another key, of as many letters').update(`id\n${guessed}`).digest('hex');
      const tries = [`"${guess}"`, guessed, guessed.slice(0, 8), hash.readBigInt64BE().toString(), wrong.slice(0, 32)];
      if (tries.some((each) => text.includes(each))) hits.push(guess);
    }
    expect(hits).toEqual([]);
    const right = createHmac('sha256', KEY).update(`id\n${id}`).digest('hex').slice(0, 32);
    expect(text).toContain(right);
  });

  it('an address is kept in full for some days, and afterwards only its network', async () => {
    const { history, directory } = await stage.open({ ip: { then: 'truncated', afterDays: 7 }, key: KEY });
    directory.emit('closed', visitOf(viewer));
    await history.flushed();
    stage.clock.set(START + 6 * DAY);
    await history.tidy();
    expect((await history.visit(id))?.ip).toBe(ip);
    stage.clock.set(START + 8 * DAY);
    await history.tidy();
    const { visits } = await history.visits();
    expect(visits).toEqual([expect.objectContaining({ ip: '198.51.77.0/24', ipKept: 'truncated' })]);
    const text = await everything();
    const hash = createHash('sha256').update(`ip\n${ip}\n${madeUpSession().userAgent}`).digest().readBigInt64BE();
    expect([ip, id, id.slice(0, 8), hash.toString()].filter((each) => text.includes(each))).toEqual([]);
  });
});

it('visits and minutes are dropped month by month; hours, days and totals stay', async () => {
  const { history, directory } = await stage.open();
  const january = Date.UTC(2026, 0, 20);
  directory.emit('closed', visitOf({ openedAt: january }));
  directory.emit('closed', visitOf({ id: 'camera', kind: 'input', openedAt: january }));
  directory.emit('closed', visitOf({ id: 'later', openedAt: START }));
  await history.flushed();
  stage.clock.set(Date.UTC(2026, 4, 5));
  await history.tidy();
  expect((await history.visits()).visits.map(({ id }) => id)).toEqual(['later']);
  const day = await history.summary({ stream: 'cam1', from: january, to: january + DAY });
  expect(day).toMatchObject({ views: 1, uniquesByDay: 1, peak: 1, watchMs: 2 * MINUTE });
  const broadcasts = await stage.engine.query('SELECT id, viewers::int AS viewers FROM stream_sessions.broadcasts', []);
  expect(broadcasts).toEqual([{ id: 'camera', viewers: 1 }]);
  // who closes so late that its minutes are gone changes no figure
  directory.emit('closed', visitOf({ id: 'late', openedAt: january + MINUTE }));
  await history.flushed();
  expect(await history.summary({ stream: 'cam1', from: january, to: january + DAY })).toEqual(day);
});

it.each(MIGRATIONS.map((_, version) => [version]))(
  'tables of version %i are upgraded, and what is in them is counted',
  async (version) => {
    await stage.engine.query('DROP SCHEMA IF EXISTS stream_sessions CASCADE');
    await migrate(stage.engine, version);
    if (version > 0) {
      await stage.engine.query("SELECT stream_sessions.ensure_month('visits', $1::timestamptz)", [
        '2026-03-31T23:45:00Z',
      ]);
      await stage.engine.query(
        `INSERT INTO stream_sessions.visits VALUES ('a', $1::timestamptz, $1::timestamptz + interval '90 seconds',
         $1::timestamptz + interval '90 seconds', 'cam1', 'viewer', 'hls', '{hls}', NULL, 'DE', 'ann', 'token', 1, NULL, 'VLC', NULL,
         100, 0, true, false, 'idle', NULL, '{}', NULL, 'full', gen_random_uuid())`,
        ['2026-03-31T23:45:00Z'],
      );
    }
    if (version > 1)
      await stage.engine.query('INSERT INTO stream_sessions.touched VALUES ($1)', ['2026-03-31T23:45:00Z']);
    const { history, directory } = await stage.open();
    directory.emit('closed', visitOf({ id: 'b' }));
    await history.flushed();
    expect(await history.summary({ from: START, to: START + MINUTE })).toMatchObject({ views: version > 0 ? 2 : 1 });
  },
);

it('tables of a newer version are left alone', async () => {
  await migrate(stage.engine);
  await stage.engine.query('INSERT INTO stream_sessions.migrations (version) VALUES (1000)');
  await expect(stage.open()).rejects.toMatchObject({ code: 'ERR_HISTORY_VERSION' });
});

it('the folder of PGlite is closed to other users', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sessions-pglite-'));
  const first = await pgliteEngine(join(folder, 'data'));
  await expect(pgliteEngine(join(folder, 'data'))).rejects.toMatchObject({ code: 'ERR_HISTORY_IN_USE' });
  await first.close();
  rmSync(folder, { recursive: true, force: true });
}, 180_000);
