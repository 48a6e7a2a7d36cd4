import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { PlaySession } from '@stream-sessions/core';
import { migrate } from '../migrate.js';
import type { VisitFilter } from '../types/query.js';
import { sameAsByHand } from './compare.js';
import { doesMatch, filterLike } from './filters.js';
import { presentOf, randomOf, randomSessions } from './random-visits.js';
import { madeUpSession, START } from './stage.js';
import type { World } from './world.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Texts that would break out of a statement, if anything could. */
const HOSTILE = [
  `'); DROP SCHEMA stream_sessions CASCADE; --`,
  `\\'; SELECT pg_sleep(10); --`,
  '{"a",NULL}',
  '$1',
  'NULL',
  'a\0b\u{1F600}\uD800',
  '%s %I "x" \\x41 \x1f',
];

/** The rules, by name. */
export const CASES: Readonly<Record<string, (world: World) => Promise<void>>> = {
  async 'makes its tables once, however many processes do so at the same time'({ engine }) {
    await engine.query('DROP SCHEMA stream_sessions CASCADE');
    await Promise.all([migrate(engine), migrate(engine), migrate(engine)]);
    const rows = await engine.query<{ version: number }>(
      'SELECT version FROM stream_sessions.migrations ORDER BY 1',
      [],
    );
    deepEqual(
      rows.map(({ version }) => version),
      rows.map((_, i) => i + 1),
    );
  },

  async 'takes back all of a transaction that fails'({ engine }) {
    const failed = engine.transaction(async (query) => {
      await query('CREATE TABLE stream_sessions.scratch (a text)');
      throw new Error('no');
    });
    await rejects(failed, /^Error: no$/);
    await rejects(engine.query('SELECT * FROM stream_sessions.scratch', []));
  },

  async 'keeps a visit as one row, from opening to closing'({ history, directory }) {
    const session = madeUpSession();
    directory.emit('opened', { session });
    await history.flushed();
    const [live] = (await history.visits()).visits;
    equal(live?.closedAt, undefined);
    equal(live?.endedAt, START + 1_000);
    const closed = { ...session, bytes: 5_000_000, updatedAt: START + 20 * MINUTE, closedAt: START + 21 * MINUTE };
    directory.emit('closed', { session: { ...closed, closeReason: 'kicked', closeDetail: 'no member' } });
    await history.flushed();
    const { visits, total } = await history.visits();
    equal(total, 1);
    deepEqual(visits[0], {
      id: session.id,
      openedAt: START,
      endedAt: START + 20 * MINUTE,
      closedAt: START + 21 * MINUTE,
      durationMs: 20 * MINUTE,
      stream: 'cam1',
      kind: 'viewer',
      protocol: 'hls',
      protocols: ['hls'],
      ip: '203.0.113.7',
      ipKept: 'full',
      country: 'DE',
      userName: 'ann',
      namedBy: 'token',
      userAgent: 'VLC/3.0.20 LibVLC/3.0.20',
      player: 'VLC',
      bytes: 5_000_000,
      bytesReceived: 0,
      secure: true,
      dvr: false,
      closeReason: 'kicked',
      closeDetail: 'no member',
      tags: {},
    });
    deepEqual(await history.visit(session.id), visits[0]);
  },

  async 'changes nothing when it is told twice, or too late'({ history, directory, engine }) {
    const session = madeUpSession({ updatedAt: START + 5 * MINUTE, bytes: 100 });
    const closed = { ...session, closedAt: START + 6 * MINUTE, closeReason: 'idle' };
    for (const each of [session, closed, closed, session]) {
      directory.emit(each === closed ? 'closed' : 'opened', { session: each });
      await history.flushed();
    }
    equal((await history.visits()).total, 1);
    await sameAsByHand(engine, [presentOf(closed)]);
  },

  async 'takes whatever clients send as texts'({ history, directory }) {
    for (const [n, text] of HOSTILE.entries()) {
      const session = madeUpSession({
        id: `visit ${n}`,
        stream: text,
        userName: text,
        userAgent: text,
        referer: text,
        protocol: text,
        protocols: [text],
        ip: text,
        country: text,
        tags: { [text]: text },
        quality: { sid: text },
        closedAt: START,
        closeReason: text,
        closeDetail: text,
      });
      directory.emit('closed', { session });
    }
    await history.flushed();
    equal(history.stats().refused, 0);
    const { visits, total } = await history.visits();
    equal(total, HOSTILE.length);
    for (const [n, text] of HOSTILE.entries()) {
      const kept = text.replaceAll(/\0|\uD800(?![\uDC00-\uDFFF])/g, '\uFFFD');
      const visit = visits.find(({ id }) => id === `visit ${n}`);
      deepEqual([visit?.stream, visit?.userName, visit?.userAgent, visit?.closeDetail], [kept, kept, kept, kept]);
      deepEqual(visit?.tags, { [kept]: kept });
      if (kept !== text) continue;
      for (const filter of [{ stream: text }, { user: text }, { reason: text }, { tag: `${text}=${text}` }]) {
        // the name of a tag is the part before the first =
        if (!('tag' in filter) || !text.includes('='))
          equal((await history.visits(filter)).total, 1, JSON.stringify(filter));
      }
      equal((await history.summary({ stream: text, from: START, to: START + MINUTE })).views, 1);
    }
  },

  async 'counts as by hand, over midnight, with late closings and two writers'({
    history,
    directory,
    engine,
    another,
  }) {
    const random = randomOf(7);
    const sessions = randomSessions(300, START - 15 * MINUTE, 0.7, random);
    const second = await another();
    const both = [
      { history, directory },
      { history: second.history, directory: second.directory },
    ];
    for (const session of sessions) {
      const { closedAt: _at, closeReason: _reason, ...live } = session;
      const side = both[Math.floor(random() * 2)];
      if (random() < 0.5) side?.directory.emit('opened', { session: { ...live, bytes: 0, updatedAt: live.openedAt } });
    }
    await Promise.all(both.map((each) => each.history.flushed()));
    for (const session of [...sessions].sort(() => random() - 0.5)) {
      both[Math.floor(random() * 2)]?.directory.emit('closed', { session });
      if (random() < 0.01) await Promise.all(both.map((each) => each.history.flushed()));
    }
    await Promise.all(both.map((each) => each.history.flushed()));
    await history.flushed();
    await sameAsByHand(engine, sessions.map(presentOf));
  },

  async 'shows pages, the latest first, with their total'({ history, directory }) {
    for (let n = 0; n < 25; n++) {
      const session = madeUpSession({
        id: `visit ${n}`,
        openedAt: START + (n % 5) * MINUTE,
        updatedAt: START + 10 * MINUTE,
      });
      directory.emit('closed', { session: { ...session, closedAt: START + 10 * MINUTE } });
    }
    await history.flushed();
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await history.visits({ limit: 10, ...(after === undefined ? {} : { after }) });
      equal(page.total, 25);
      seen.push(...page.visits.map(({ id, openedAt }) => `${openedAt} ${id}`));
      after = page.next;
    } while (after !== undefined);
    equal(new Set(seen).size, 25);
    deepEqual(
      seen,
      [...seen].sort((a, b) => (a < b ? 1 : -1)),
    );
  },

  async 'knows how many match, of days that were counted and of what has changed since'({ history, directory, clock }) {
    const random = randomOf(3);
    const sessions = randomSessions(300, START - 3 * DAY, 80, random);
    // some are live while the days are counted, and close afterwards
    const late = sessions.filter(() => random() < 0.1);
    for (const session of sessions) {
      if (late.includes(session)) directory.emit('opened', { session: liveOf(session) });
      else directory.emit('closed', { session });
    }
    clock.set(START + DAY);
    await history.flushed();
    const check = async (matching: readonly PlaySession[], n: number): Promise<void> => {
      const session = sessions[n] as PlaySession;
      const from = START - 3.5 * DAY + random() * 4 * DAY;
      const to = from + random() * 3 * DAY + 1;
      const filter: VisitFilter = { ...(n % 5 === 0 || n % 9 === 2 ? {} : { from, to }), ...filterLike(session, n) };
      const expected = matching.filter((each) => doesMatch(each, filter)).map(({ id }) => id);
      const { total, visits } = await history.visits(filter);
      const found = visits.map(({ id }) => id);
      deepEqual([total, found.sort().join()], [expected.length, expected.sort().join()], JSON.stringify(filter));
      equal((await history.visits({ ...filter, limit: 1 })).total, expected.length, JSON.stringify(filter));
    };
    const before = sessions.map((each) => (late.includes(each) ? liveOf(each) : each));
    for (let n = 0; n < 27; n++) await check(before, n);
    for (const session of late) directory.emit('closed', { session });
    // waits until everything has been written; nothing is recounted because of this
    await history.erase({ user: 'nobody' });
    for (let n = 0; n < 54; n++) {
      await check(sessions, n);
      if (n === 27) await history.flushed();
    }
  },

  async 'counts a day anew, when a visit of it that goes on gets a tag'({ history, directory, clock }) {
    const session = madeUpSession({ updatedAt: START + 2 * DAY });
    directory.emit('opened', { session });
    clock.set(START + 2 * DAY);
    await history.flushed();
    const tagged = { ...session, updatedAt: START + 2 * DAY + MINUTE, tags: { plan: 'gold' } };
    directory.emit('resumed', { session: tagged });
    await history.flushed();
    equal((await history.visits({ tag: 'plan=gold', limit: 1 })).total, 1);
  },

  async 'forgets what tags a user had, also in counts of days'({ history, directory, clock }) {
    for (const [id, userName] of ['ann', 'bob'].entries()) {
      const session = madeUpSession({ id: `visit ${id}`, userName, tags: { email: `${userName}@example.com` } });
      directory.emit('closed', { session: { ...session, closedAt: START + MINUTE, closeReason: 'idle' } });
    }
    clock.set(START + DAY);
    await history.flushed();
    await history.erase({ user: 'ann' });
    const totals = async (): Promise<number[]> => {
      const tags = ['email=ann@example.com', 'email=bob@example.com', 'email'];
      const pages = await Promise.all(tags.map((tag) => history.visits({ tag, limit: 1 })));
      return pages.map(({ total }) => total);
    };
    deepEqual(await totals(), [0, 1, 1]);
    await history.flushed();
    deepEqual(await totals(), [0, 1, 1]);
  },

  async 'makes visits of a user visits of nobody'({ history, directory, engine }) {
    const sessions = ['ann', 'ann', 'bob'].map((userName, n) =>
      madeUpSession({
        id: `visit ${n}`,
        userName,
        updatedAt: START + MINUTE,
        closedAt: START + MINUTE,
        closeReason: 'idle',
      }),
    );
    for (const session of sessions) directory.emit('closed', { session });
    await history.flushed();
    deepEqual(await history.erase({ user: 'ann' }), { visits: 2, denials: 0, live: 0 });
    await history.flushed();
    equal((await history.visits({ user: 'ann' })).total, 0);
    const rest = await history.visits({ user: 'erased' });
    equal(rest.total, 2);
    for (const { ip, userAgent, id } of rest.visits) {
      deepEqual([ip, userAgent, id.startsWith('visit')], [undefined, undefined, false]);
    }
    await sameAsByHand(engine, sessions.map(presentOf));
  },
};

/** The session as it was when it opened. */
function liveOf({ closedAt: _at, closeReason: _reason, ...session }: PlaySession): PlaySession {
  return { ...session, tags: {}, updatedAt: session.openedAt };
}
