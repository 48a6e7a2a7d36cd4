import { readdirSync } from 'node:fs';
import type { PlaySession } from '@stream-sessions/core';
import { until } from '../../../test/support/until.js';
import { sameAsByHand } from '../src/testing/compare.js';
import { presentOf, randomOf, randomSessions } from '../src/testing/random-visits.js';
import { madeUpSession, START } from '../src/testing/stage.js';
import { Stage } from './support/stage.js';

const MINUTE = 60_000;
const VISITS = 100_000;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.begin();
});
afterEach(() => stage.clear(), 60_000);
afterAll(() => stage.end(), 60_000);

type Opened = Awaited<ReturnType<Stage['open']>>;

function watch({ directory }: Opened, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    const session = madeUpSession({ id: `visit ${n}`, userName: `user ${n}`, openedAt: START + n });
    directory.emit('opened', { session });
    const end = { updatedAt: START + n + MINUTE, closedAt: START + n + MINUTE, closeReason: 'idle' };
    directory.emit('closed', { session: { ...session, ...end } });
  }
}

const kept = async (): Promise<unknown> =>
  (
    await stage.engine.query<{ visits: number; closed: number }>(
      'SELECT count(*)::int AS visits, count(closed_at)::int AS closed FROM stream_sessions.visits',
      [],
    )
  )[0];

it('every visit is kept once, while PostgreSQL stops and starts in the middle', async () => {
  const opened = await stage.open();
  watch(opened, 0, 500);
  await stage.server.halt();
  watch(opened, 500, 3_000);
  await until('the database is away', () => opened.history.stats().error !== undefined);
  await stage.server.restart();
  watch(opened, 3_000, 3_500);
  await opened.history.flushed();
  expect(await kept()).toEqual({ visits: 3_500, closed: 3_500 });
  expect(opened.history.stats()).toEqual({ journalBytes: 0, lost: 0, refused: 0, error: undefined });
});

it('the history opens while PostgreSQL is down, and makes the tables when it is back', async () => {
  await stage.server.halt();
  const opened = await stage.open();
  watch(opened, 0, 10);
  await until('the database is away', () => opened.history.stats().error !== undefined);
  await stage.server.restart();
  await opened.history.flushed();
  expect(await kept()).toEqual({ visits: 10, closed: 10 });
});

it('a database that does not respond at all blocks nothing', async () => {
  const opened = await stage.open();
  await opened.history.flushed();
  stage.server.signal('SIGSTOP');
  try {
    watch(opened, 0, 2_000);
    expect(opened.history.stats().journalBytes).toBeGreaterThan(100_000);
  } finally {
    stage.server.signal('SIGCONT');
  }
  await opened.history.flushed();
  expect(await kept()).toEqual({ visits: 2_000, closed: 2_000 });
});

it('the history waits until a read-only database is writable again', async () => {
  const opened = await stage.open();
  await stage.engine.query('ALTER DATABASE postgres SET default_transaction_read_only = on');
  await stage.server.halt(); // connections keep what they began with
  await stage.server.restart();
  watch(opened, 0, 10);
  await until('the database is away', () => opened.history.stats().error?.message.includes('read-only') === true);
  await stage.engine.query('SET default_transaction_read_only = off');
  await stage.engine.transaction(async (query) => {
    await query('SET TRANSACTION READ WRITE');
    await query('ALTER DATABASE postgres RESET default_transaction_read_only');
  });
  await stage.server.halt();
  await stage.server.restart();
  await opened.history.flushed();
  expect(await kept()).toEqual({ visits: 10, closed: 10 });
});

it('the history takes what an earlier process has left in the journal, once', async () => {
  const first = await stage.open();
  await first.history.flushed();
  await stage.server.halt();
  watch(first, 0, 200);
  await until('the database is away', () => first.history.stats().error !== undefined);
  await first.history.stop({ timeoutMs: 100 });
  expect(readdirSync(first.journal).filter((name) => name.endsWith('.jsonl'))).not.toEqual([]);
  await stage.server.restart();
  const second = await stage.open({ journal: first.journal });
  await second.history.flushed();
  expect(await kept()).toEqual({ visits: 200, closed: 200 });
  await expect(stage.open({ journal: first.journal })).rejects.toMatchObject({ code: 'ERR_HISTORY_IN_USE' });
});

it('a full journal drops progress first, then openings, and the loss is reported', async () => {
  const opened = await stage.open({ maxJournalBytes: 1024 * 1024, progressMs: 1 });
  await opened.history.flushed();
  await stage.server.halt();
  const session = madeUpSession({ referer: 'x'.repeat(1_000) });
  for (let n = 0; n < 600; n++) opened.directory.emit('opened', { session: { ...session, openedAt: START + n } });
  const { lost, journalBytes } = opened.history.stats();
  expect([lost, journalBytes > 512 * 1024]).toEqual([0, true]);
  stage.clock.set(START + 1_000);
  opened.directory.live = [{ ...session, updatedAt: START + 1_000 }];
  await until('there was no room for its progress', () => opened.history.stats().lost > 0);
  opened.directory.live = [];
  const { lost: progress } = opened.history.stats();
  for (let n = 600; n < 900; n++) opened.directory.emit('opened', { session: { ...session, openedAt: START + n } });
  const before = opened.history.stats();
  expect(before.lost).toBeGreaterThan(progress);
  opened.directory.emit('closed', { session: { ...session, closedAt: START + MINUTE } });
  expect(opened.history.stats().lost).toBe(before.lost);
  await stage.server.restart();
  await opened.history.flushed();
  expect((await opened.history.visit(session.id, START))?.closedAt).toBe(START + MINUTE);
});

it('abandoned visits are closed as lost, unless they are reported again', async () => {
  const first = await stage.open();
  const session = madeUpSession({ updatedAt: START + 70 * MINUTE });
  first.directory.emit('opened', { session });
  await first.history.flushed();
  await first.history.stop();
  stage.clock.set(START + 74 * MINUTE);
  const second = await stage.open();
  await second.history.tidy();
  stage.clock.set(START + 80 * MINUTE);
  await second.history.tidy();
  await second.history.flushed();
  const lost = { closeReason: 'lost', closedAt: START + 70 * MINUTE };
  expect(await second.history.visit(session.id)).toMatchObject(lost);
  await sameAsByHand(stage.engine, [presentOf({ ...session, closeReason: 'lost' })]);
  second.directory.emit('resumed', { session: { ...session, updatedAt: START + 79 * MINUTE } });
  await second.history.flushed();
  expect(await second.history.visit(session.id)).not.toHaveProperty('closeReason');
  await sameAsByHand(stage.engine, [{ ...presentOf(session), endedAt: START + 79 * MINUTE }]);
});

it('every visit of an hour without the database is kept, once', async () => {
  const { history, directory } = await stage.open();
  await history.flushed();
  await stage.server.halt();
  const sessions: PlaySession[] = [];
  for (let minute = 0; minute < 60; minute++) {
    const now = START + minute * MINUTE;
    stage.clock.set(now);
    const live = sessions.slice(-300);
    for (const session of live) directory.emit('resumed', { session: { ...session, bytes: minute, updatedAt: now } });
    for (let n = 0; n < 100; n++) {
      const session = madeUpSession({
        id: `visit ${minute} ${n}`,
        userName: `user ${n}`,
        openedAt: now,
        updatedAt: now,
      });
      directory.emit('opened', { session });
      sessions.push(session);
    }
    for (const session of sessions.slice(-400, -300)) directory.emit('closed', { session: ended(session) });
  }
  await until('the database is away', () => history.stats().error !== undefined);
  await stage.server.restart();
  for (const session of sessions.slice(-300)) directory.emit('closed', { session: ended(session) });
  await history.flushed();
  expect(await kept()).toEqual({ visits: 6_000, closed: 6_000 });
  expect(history.stats()).toMatchObject({ lost: 0, refused: 0, error: undefined });
  await sameAsByHand(
    stage.engine,
    sessions.map((session) => presentOf(ended(session))),
  );
});

/** After three minutes. */
const ended = (session: PlaySession): PlaySession => {
  const end = session.openedAt + 3 * MINUTE;
  return { ...session, bytes: 1_000, updatedAt: end, closedAt: end, closeReason: 'idle' };
};

it(`counts ${VISITS} random visits of two writers as by hand`, async () => {
  const both = [await stage.open(), await stage.open()];
  const random = randomOf(20);
  // the night in which clocks in Europe go forward
  const sessions = randomSessions(VISITS, Date.UTC(2026, 2, 28, 22), 6, random);
  for (const session of sessions) {
    const { closedAt: _at, closeReason: _reason, ...live } = session;
    const side = both[Math.floor(random() * 2)];
    if (random() < 0.3) side?.directory.emit('opened', { session: { ...live, bytes: 0, updatedAt: live.openedAt } });
  }
  await both[0]?.history.flushed();
  await both[1]?.history.flushed();
  for (const session of [...sessions].sort(() => random() - 0.5)) {
    both[Math.floor(random() * 2)]?.directory.emit('closed', { session });
  }
  await Promise.all(both.map(({ history }) => history.flushed()));
  await both[0]?.history.flushed();
  await sameAsByHand(stage.engine, sessions.map(presentOf));
}, 300_000);
