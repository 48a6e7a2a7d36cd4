import type { SessionFilter, SessionOrder } from '../src/index.js';
import { clusterPort } from '../src/spi.js';
import { hit, live, setup } from './support/make.js';

const MANY = 5_000;

/** Sessions of two streams; some have ended. */
function crowd() {
  const { tracker, clock } = setup({ maxSessionsPerIp: 2 * MANY });
  for (let n = 0; n < MANY; n++) {
    tracker.trackHttp(hit({ stream: `cam${n % 2}`, token: `token-${n}`, userAgent: `player/${n % 7}` }));
    if (n % 10 === 0) clock.advance(1);
  }
  tracker.kickAll({ search: 'player/3' }, { denyForMs: 0 });
  return { tracker, port: clusterPort(tracker) };
}

/** The number of turns that others have had until then. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let timer: NodeJS.Immediate;
  const count = (): void => {
    turns++;
    timer = setImmediate(count);
  };
  timer = setImmediate(count);
  await work;
  clearImmediate(timer);
  return turns;
}

it('finds what the tracker lists, in the same order', async () => {
  const { tracker, port } = crowd();
  const orders: (SessionOrder | undefined)[] = [undefined, '-openedAt', '-bytes', '-closedAt'];
  const filters: SessionFilter[] = [
    { limit: 50 },
    { status: 'closed' },
    { status: 'active', limit: 4_100 },
    { stream: 'cam1', limit: 100 },
    { search: 'player/5' },
    { user: 'nobody' },
  ];
  for (const filter of filters) {
    for (const order of orders) {
      const asked = { ...filter, ...(order && { order }) };
      expect(await port.list(asked)).toEqual(tracker.list(asked));
    }
    const ids: string[] = [];
    await port.each(filter, ({ id }) => ids.push(id));
    expect(ids.sort()).toEqual(
      tracker
        .list({ ...filter, limit: 0 })
        .map(({ id }) => id)
        .sort(),
    );
  }
  await expect(port.list({ order: 'bytes' as never })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
});

it('lets others have their turn while it looks through many', async () => {
  const { port } = crowd();
  expect(await turnsDuring(port.list({ user: 'nobody' }))).toBeGreaterThan(0);
  expect(await turnsDuring(port.each({}, () => undefined))).toBeGreaterThan(0);
  for (const order of ['-bytes', '-closedAt'] as const) {
    expect(await turnsDuring(port.list({ order, limit: 10 }))).toBeGreaterThan(0);
  }
});

it('shows a session as it was when it was looked at, once, and none that had ended by then', async () => {
  const { tracker, port } = crowd();
  const all = live(tracker);
  const [first, last] = [all[0]!, all.at(-1)!];
  const cut = (): void => {
    for (const { id } of [first, last]) tracker.kick(id, { denyForMs: 0 });
  };
  const listed = port.list({ status: 'active' });
  cut();
  const rows = await listed;
  expect(rows[0]).toEqual(first);
  expect(rows.map(({ id }) => id)).not.toContain(last.id);
});

it.each(['-bytes', '-closedAt'] as const)('in the order %s shows a session that ends meanwhile once', async (order) => {
  const { tracker, port } = crowd();
  const ids = new Set(tracker.list().map(({ id }) => id));
  const [first] = live(tracker);
  const listed = [port.list({ order }), port.list({ order, status: 'active' })];
  tracker.kick(first!.id, { denyForMs: 0 });
  const [all, active] = await Promise.all(listed);
  expect(all!.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(all).toEqual(tracker.list({ order }));
  expect(active!.filter(({ closedAt }) => closedAt !== undefined)).toEqual([]);
});

it('shows a session once that ends while closed ones have not been looked at', async () => {
  const { tracker, port } = crowd();
  const before = tracker.list();
  const listed = port.list({});
  tracker.kick(live(tracker)[0]!.id, { denyForMs: 0 });
  const rows = await listed;
  expect(rows.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  expect(rows).toEqual(tracker.list());
});
