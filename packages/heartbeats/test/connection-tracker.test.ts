import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { clusterPort } from '@stream-sessions/core/spi';
import { fakeClock, until, type FakeClock } from '@stream-sessions/core/testing';
import { allowDeny, jwtPolicy } from '@stream-sessions/policies';
import { createConnectionTracker, type ConnectionTracker, type NewConnection } from '../src/index.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const YES = { allow: true as const };
const NO = { allow: false as const, reason: 'no', kind: 'forbidden' as const };
let clock: FakeClock;
let tracker: SessionTracker;
let connections: ConnectionTracker;
beforeEach(() => {
  clock = fakeClock();
  tracker = createTracker({ clock, logger: silent });
  connections = createConnectionTracker(tracker, { clock });
});
afterEach(async () => {
  connections.stop();
  await tracker.stop();
});

const add = (id: string, more: Partial<NewConnection> = {}) =>
  connections.addConnection({ id, sessionId: 'cam1', clientIp: '203.0.113.7', userAgent: 'Mozilla/5.0', ...more });
const viewers = (stream = 'cam1') => tracker.list({ stream, status: 'active' });

it('a viewer with two pages is one row and two connections', async () => {
  await add('a');
  await add('b');
  expect([viewers().length, connections.getConnectionCount('cam1')]).toEqual([1, 2]);
  expect(viewers()[0]).toMatchObject({ protocol: 'heartbeat', kind: 'viewer', connections: 0 });
  await add('c', { sid: 'one page' });
  await add('d', { sid: 'another page' });
  expect([viewers().length, connections.getConnectionCount('cam1')]).toEqual([2, 4]);
});

it('a heartbeat joins the row of the viewer’s media requests, and media requests join its row', async () => {
  const media = { stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', userAgent: 'Mozilla/5.0' };
  tracker.trackHttp({ ...media, sid: 'one', bytes: 1_000 });
  await add('a', { sid: 'one' });
  expect(viewers()).toMatchObject([{ protocols: ['hls', 'heartbeat'], bytes: 1_000 }]);
  await add('b', { token: 'ticket', clientIp: '203.0.113.8' });
  tracker.trackHttp({ ...media, token: 'ticket', ip: '203.0.113.8', bytes: 500 });
  expect(viewers()).toMatchObject([{ bytes: 1_000 }, { protocols: ['heartbeat', 'hls'], bytes: 500 }]);
});

it('a connection is active at 59.999 seconds, and no longer at 60', async () => {
  await add('a');
  clock.advance(59_999);
  expect([connections.getConnectionCount('cam1'), connections.getConnection('a')?.id]).toEqual([1, 'a']);
  clock.advance(1);
  expect([connections.getConnectionCount('cam1'), connections.getConnection('a')]).toEqual([0, undefined]);
  expect(connections.getActiveConnections('cam1')).toEqual([]);
  expect(() => connections.updateHeartbeat('a')).toThrow(expect.objectContaining({ code: 'ERR_CONNECTION_NOT_FOUND' }));
});

it('silent connections are removed between 60 and 90 seconds; the app’s own close at their last heartbeat', async () => {
  const start = clock.now();
  await add('a', { protocol: 'websocket' });
  clock.advance(10_000);
  connections.updateHeartbeat('a');
  let closed: { at: number; watched: number; reason: string } | undefined;
  tracker.on('closed', ({ occurredAt, session, reason }) => {
    closed = { at: occurredAt - start, watched: session.durationMs, reason };
  });
  clock.advance(59_000);
  expect(closed).toBeUndefined();
  clock.advance(41_000);
  expect(closed).toMatchObject({ watched: 10_000, reason: 'client_gone' });
  expect(closed?.at).toBeLessThanOrEqual(100_000);
});

it('a session lasts until the window after the youngest heartbeat, which also ends its watch time', async () => {
  await add('a');
  clock.advance(40_000);
  connections.updateHeartbeat('a');
  clock.advance(59_000);
  expect(viewers()).toHaveLength(1);
  clock.advance(2_000);
  expect(viewers()).toHaveLength(0);
  expect(tracker.list({ status: 'closed' })).toMatchObject([{ closeReason: 'idle', durationMs: 40_000 }]);
});

it('a duplicate connection is refused, and the first one stays', async () => {
  await add('a', { userId: 'ada' });
  await expect(add('a', { userId: 'eve' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_EXISTS' });
  expect(connections.getConnection('a')?.userId).toBe('ada');
  expect(connections.getConnectionCount('cam1')).toBe(1);
});

it.each([
  ['of the app’s own', 'vnc', []],
  ['that wait for a policy', 'heartbeat', [{ name: 'slow', admit: async () => ({ allow: true as const }) }]],
])(
  'of two connections %s with the same id at once, one is refused, and leaves nothing',
  async (_, protocol, policies) => {
    tracker.updateConfig({ policies });
    const both = await Promise.allSettled([add('a', { protocol }), add('a', { protocol })]);
    expect(both).toMatchObject([{ value: { admitted: true } }, { reason: { code: 'ERR_CONNECTION_EXISTS' } }]);
    expect([viewers().length, connections.getConnectionCount('cam1')]).toEqual([1, 1]);
    connections.removeConnection('a');
    clock.advance(61_000);
    expect([viewers().length, connections.getConnectionCount('cam1')]).toEqual([0, 0]);
  },
);

it('an unknown connection is not found, and removing one twice does no harm', async () => {
  expect(() => connections.updateHeartbeat('a')).toThrow(expect.objectContaining({ code: 'ERR_CONNECTION_NOT_FOUND' }));
  connections.removeConnection('a');
  await add('a');
  connections.removeConnection('a');
  connections.removeConnection('a');
  expect(connections.getStats()).toEqual({
    ...{ activeConnections: 0, streams: 0, added: 1, removed: 1, stale: 0, refused: 0 },
  });
});

it('the connection tracker hands out copies', async () => {
  const added = await add('a');
  if (!added.admitted) throw new Error(added.reason);
  Object.assign(added.connection, { userId: 'eve' });
  Object.assign(connections.getConnection('a')!, { lastHeartbeat: 0 });
  expect(connections.getConnection('a')).toEqual({
    ...{ id: 'a', sessionId: 'cam1', userId: '', clientIp: '203.0.113.7', userAgent: 'Mozilla/5.0' },
    ...{ connectedAt: clock.now(), lastHeartbeat: clock.now() },
  });
});

it('the connection tracker starts and stops twice and in any order, and leaves no timer', async () => {
  connections.stop();
  connections.start();
  connections.start();
  connections.stop();
  connections.stop();
  await tracker.stop();
  expect(clock.pending).toBe(0);
});

it.each([
  ['of the app’s own', 'vnc', {}],
  ['that waits for a policy', 'heartbeat', { admitted: false, reason: 'shutdown', status: 503 }],
])('a connection %s when the tracker is stopped is not left over', async (_, protocol, result) => {
  tracker.updateConfig({ policies: [{ name: 'slow', admit: async () => YES }] });
  const adding = add('a', { protocol });
  connections.stop();
  expect(await adding).toMatchObject(result);
  expect(connections.getStats().activeConnections).toBe(0);
  clock.advance(61_000);
  expect(viewers()).toEqual([]);
  await tracker.stop();
  expect(clock.pending).toBe(0);
});

it.each(['vnc', 'heartbeat'])(
  'a connection over %s goes on as the visit that its session turns out to be',
  async (protocol) => {
    await add('a', { protocol });
    const [session] = viewers();
    clusterPort(tracker).rename(session?.id ?? '', { id: 'of another node', openedAt: 1 });
    expect([connections.getConnectionCount('cam1'), viewers()[0]?.id]).toEqual([1, 'of another node']);
    connections.updateHeartbeat('a');
    tracker.kick('of another node');
    expect(connections.getConnection('a')).toBeUndefined();
  },
);

it('the late answer of a policy does not touch a newer connection with the same id', async () => {
  tracker.updateConfig({ maxLifetimeMs: 30_000 }); // the next heartbeat opens a session anew
  await add('a');
  clock.advance(31_000);
  let decide = (_: typeof YES | typeof NO): void => undefined;
  const decided = new Promise<typeof YES | typeof NO>((resolve) => (decide = resolve));
  tracker.updateConfig({ policies: [{ name: 'slow', admit: () => decided }] });
  connections.updateHeartbeat('a');
  connections.removeConnection('a');
  tracker.updateConfig({ policies: [] });
  await add('a', { clientIp: '203.0.113.9' });
  decide(NO);
  await until('the answer is counted', () => tracker.stats().deniedTotal > 0);
  expect(connections.getConnection('a')?.clientIp).toBe('203.0.113.9');
  expect(connections.getStats()).toMatchObject({ activeConnections: 1, refused: 0 });
});

it('the connections of a kicked viewer end with their session, and are not admitted again', async () => {
  await add('a');
  await add('b', { clientIp: '203.0.113.9' });
  tracker.kickAll({ ip: '203.0.113.7' });
  expect(connections.getActiveConnections('cam1').map(({ id }) => id)).toEqual(['b']);
  expect(() => connections.updateHeartbeat('a')).toThrow('It was refused: kicked.');
  expect(await add('c')).toEqual({ admitted: false, reason: 'kicked', status: 403 });
});

it('the policies are asked, even those that take their time', async () => {
  tracker.updateConfig({ policies: [jwtPolicy({ secret: 'x'.repeat(32) })] });
  expect(await add('a')).toMatchObject({ admitted: false, status: 401 });
  tracker.updateConfig({ policies: [allowDeny({ deny: [{ ip: '203.0.113.0/24' }] })] });
  expect(await add('b', { clientIp: '203.0.113.8' })).toMatchObject({ admitted: false, status: 403 });
  const slow = { name: 'slow', admit: async () => ({ allow: true as const }) };
  tracker.updateConfig({ policies: [slow] });
  expect(await add('c', { clientIp: '198.51.100.9' })).toMatchObject({ admitted: true });
  expect(connections.getStats()).toMatchObject({ added: 1, refused: 2 });
});

it('the session opens again for a connection whose session had reached its maximum lifetime', async () => {
  tracker.updateConfig({ maxLifetimeMs: 30_000 });
  await add('a');
  clock.advance(31_000);
  connections.updateHeartbeat('a');
  expect([viewers().length, connections.getConnectionCount('cam1')]).toEqual([1, 1]);
});

it('a connection of the app’s own is listed, and can be kicked, for longer than a day', async () => {
  await add('a', { protocol: 'vnc', userId: 'ada' });
  const listed = new Set<number>();
  const closed: string[] = [];
  tracker.on('closed', ({ reason }) => closed.push(reason));
  for (let seconds = 0; seconds < 26 * 3_600; seconds += 50) {
    clock.advance(50_000); // longer than the idle timeout of its protocol
    listed.add(tracker.count({ user: 'ada', status: 'active' }));
    connections.updateHeartbeat('a');
  }
  expect(listed).toEqual(new Set([1]));
  tracker.kickAll({ user: 'ada' });
  expect(closed).toEqual(['idle', 'kicked']);
  expect(() => connections.updateHeartbeat('a')).toThrow('It was refused: kicked.');
});

it('a connection of the app’s own ends with its session: at its maximum lifetime, or when a policy releases it', async () => {
  tracker.updateConfig({ maxLifetimeMs: 30_000 });
  await add('a', { protocol: 'vnc' });
  clock.advance(31_000);
  expect(() => connections.updateHeartbeat('a')).toThrow('It was refused: max_lifetime.');
  expect(connections.getConnectionCount('cam1')).toBe(0);

  await add('b', { protocol: 'vnc' });
  const release = { name: 'one', admit: () => ({ allow: true as const, release: [viewers()[0]!.id] }) };
  tracker.updateConfig({ policies: [release] });
  await add('c', { clientIp: '203.0.113.9' });
  expect(() => connections.updateHeartbeat('b')).toThrow('It was refused: idle.');
  expect(viewers()).toMatchObject([{ protocol: 'heartbeat' }]);
});

it.each([
  ['sessionId', { sessionId: '' }],
  ['sessionId', { sessionId: 'x'.repeat(300) }],
  ['clientIp', { clientIp: '' }],
  ['id', { id: 'x'.repeat(300) }],
  ['userId', { userId: 7 as never }],
  ['userAgent', { userAgent: 5 as never }],
  ['token', { token: 5 as never }],
  ['sid', { sid: {} as never }],
  ['protocol', { protocol: 5 as never }],
  ['protocol', { protocol: '' }],
])('the connection tracker refuses a bad %s', async (field, more) => {
  await expect(add('a', more)).rejects.toMatchObject({
    code: 'ERR_BAD_CONNECTION',
    message: expect.stringContaining(field),
  });
});

it.each([Infinity, 2 ** 31, 0, NaN, '60000'])('the connection tracker refuses a window of %p', (bad) => {
  expect(() => createConnectionTracker(tracker, { heartbeatWindowMs: bad as number })).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringContaining('heartbeatWindowMs') }),
  );
});

it.each([null, 5, {}, { now: Date.now }, Date])('the connection tracker refuses the clock %p', (bad) => {
  expect(() => createConnectionTracker(tracker, { clock: bad as never })).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringContaining('clock') }),
  );
});

it('connections count towards maxConnections while a policy thinks, and a refused one makes room', async () => {
  let isOpen = true;
  const slow = { name: 'slow', admit: async () => (isOpen ? YES : NO) };
  tracker.updateConfig({ policies: [slow] });
  const few = createConnectionTracker(tracker, { maxConnections: 3, clock });
  const ten = () =>
    Promise.allSettled(
      Array.from({ length: 10 }, (_, n) => few.addConnection({ sessionId: 'cam1', clientIp: `203.0.113.${n}` })),
    );
  isOpen = false;
  await ten();
  isOpen = true;
  const results = await ten();
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(results[3]).toMatchObject({ reason: { code: 'ERR_TOO_MANY_CONNECTIONS' } });
  expect(few.getStats()).toMatchObject({ activeConnections: 3, refused: 3 });
  few.stop();
});

it('the connection tracker holds no more than maxConnections', async () => {
  const few = createConnectionTracker(tracker, { maxConnections: 1, clock });
  await few.addConnection({ sessionId: 'cam1', clientIp: '203.0.113.7' });
  await expect(few.addConnection({ sessionId: 'cam1', clientIp: '203.0.113.7' })).rejects.toMatchObject({
    code: 'ERR_TOO_MANY_CONNECTIONS',
  });
  few.stop();
});
