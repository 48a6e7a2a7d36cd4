import { until } from '../../../test/support/until.js';
import { madeUpSession, START } from '../src/testing/stage.js';
import { Stage } from './support/stage.js';

const MINUTE = 60_000;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.begin();
}, 60_000);
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

it('keeps every visit once, while PostgreSQL stops and starts in the middle', async () => {
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
}, 60_000);

it('opens while PostgreSQL is down, and makes the tables when it is back', async () => {
  await stage.server.halt();
  const opened = await stage.open();
  watch(opened, 0, 10);
  await until('the database is away', () => opened.history.stats().error !== undefined);
  await stage.server.restart();
  await opened.history.flushed();
  expect(await kept()).toEqual({ visits: 10, closed: 10 });
}, 60_000);

it('holds up nobody while the database says nothing at all', async () => {
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
}, 60_000);
