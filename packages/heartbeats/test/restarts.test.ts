import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker, fileState, type Policy } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { createConnectionTracker, heartbeatApi } from '../src/index.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const MINUTE = 60_000;
let folder: string;
let clock: FakeClock;
let files = 0;
const closing: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'beats-'));
  clock = fakeClock();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** A process, as far as it matters here, that begins with what an earlier one has left in its file. */
async function begin(left?: string, policies: Policy[] = []) {
  const file = path.join(folder, String(files++));
  if (left !== undefined) copyFileSync(left, file);
  const tracker = createTracker({ clock, logger: silent, state: fileState(file), policies });
  const connections = createConnectionTracker(tracker, { clock });
  await connections.ready;
  closing.push(async () => {
    connections.stop();
    await tracker.stop();
  });
  const add = (id: string, more = {}) =>
    connections.addConnection({ id, sessionId: 'cam1', clientIp: '203.0.113.7', userAgent: 'Mozilla/5.0', ...more });
  const rows = () => tracker.list({ stream: 'cam1', status: 'active' });
  /** What `kill -9` leaves: the file as it is now. */
  const killed = async (): Promise<string> => {
    await tracker.saved();
    copyFileSync(file, `${file}.left`);
    return `${file}.left`;
  };
  return { file, tracker, connections, add, rows, killed };
}

it('after a restart, connections with a heartbeat within five minutes are back, under their ids, each in its row', async () => {
  const first = await begin();
  await first.add('a', { userId: 'ada' });
  await first.add('b');
  await first.add('c', { clientIp: '203.0.113.9' });
  const before = first.rows().find(({ ip }) => ip === '203.0.113.7');
  const at = clock.now();
  const left = await first.killed();
  clock.advance(5 * MINUTE - 1_000);

  const next = await begin(left);
  expect([next.connections.getConnectionCount('cam1'), next.rows().length]).toEqual([3, 0]);
  expect(next.connections.getConnection('a')).toMatchObject({ userId: 'ada', connectedAt: at, lastHeartbeat: at });
  for (const id of ['a', 'b']) next.connections.updateHeartbeat(id);
  expect(next.rows().map(({ id, openedAt }) => [id, openedAt])).toEqual([[before?.id, at]]);
  clock.advance(59_999);
  expect(next.connections.getConnectionCount('cam1')).toBe(3);
  clock.advance(1);
  expect(next.connections.getConnection('c')).toBeUndefined(); // it has not come back
});

it('after a restart, a connection that was silent for longer is not back, and its record is deleted', async () => {
  const first = await begin();
  await first.add('a');
  const left = await first.killed();
  clock.advance(5 * MINUTE + 1);
  const next = await begin(left);
  expect(next.connections.getConnectionCount('cam1')).toBe(0);
  expect(() => next.connections.updateHeartbeat('a')).toThrow('There is no connection "a"');
  clock.advance(-4 * MINUTE); // as if it were in time
  expect((await begin(await next.killed())).connections.getConnectionCount('cam1')).toBe(0);
});

it('the times of heartbeats are stored now and then', async () => {
  const first = await begin();
  await first.add('a');
  clock.advance(40_000);
  first.connections.updateHeartbeat('a');
  const at = clock.now();
  clock.advance(35_000);
  const left = await first.killed();
  clock.advance(5 * MINUTE - 40_000); // from its beginning it is longer
  const next = await begin(left);
  expect(next.connections.getConnection('a')?.lastHeartbeat).toBe(at);
});

it('connections that have gone, or were ended on purpose, are forgotten', async () => {
  const first = await begin();
  for (const id of ['a', 'b', 'c']) await first.add(id, { clientIp: `203.0.113.${id.charCodeAt(0)}` });
  first.connections.removeConnection('a');
  first.tracker.kickAll({ ip: '203.0.113.98' });
  const next = await begin(await first.killed());
  expect(next.connections.getActiveConnections('cam1').map(({ id }) => id)).toEqual(['c']);
  next.connections.stop();
  expect((await begin(await next.killed())).connections.getConnectionCount('cam1')).toBe(0);
});

it('after a regular stop, connections are back with the exact time of their last heartbeat', async () => {
  const first = await begin();
  await first.add('a');
  clock.advance(7_000);
  first.connections.updateHeartbeat('a');
  const at = clock.now();
  first.connections.stop({ keep: true });
  expect(first.connections.getConnectionCount('cam1')).toBe(0);
  await first.tracker.stop({ keep: true });
  const next = await begin(first.file);
  expect(next.connections.getConnection('a')?.lastHeartbeat).toBe(at);
});

it.each([
  ['keeps them', true, 1],
  ['ends them', false, 0],
])('a stop before the connections of an earlier process are back %s, and refuses new ones', async (_, keep, left) => {
  const first = await begin();
  await first.add('a');
  const file = path.join(folder, 'again');
  copyFileSync(await first.killed(), file);
  const tracker = createTracker({ clock, logger: silent, state: fileState(file) });
  const connections = createConnectionTracker(tracker, { clock });
  const adding = connections.addConnection({ id: 'b', sessionId: 'cam1', clientIp: '203.0.113.9' });
  connections.stop({ keep });
  expect(await adding).toEqual({ admitted: false, reason: 'shutdown', status: 503 });
  expect(connections.getStats().activeConnections).toBe(0);
  await tracker.stop({ keep: true });
  expect((await begin(file)).connections.getConnectionCount('cam1')).toBe(left);
});

it('an app that knows nothing of the restart can begin its connection again', async () => {
  const first = await begin();
  await first.add('a');
  const next = await begin(await first.killed());
  expect(await next.add('a')).toMatchObject({ admitted: true });
  await expect(next.add('a')).rejects.toMatchObject({ code: 'ERR_CONNECTION_EXISTS' });
  expect([next.connections.getConnectionCount('cam1'), next.rows().length]).toEqual([1, 1]);
});

describe('over HTTP', () => {
  const sesame: Policy = {
    name: 'sesame',
    stage: 'authorise',
    admit: ({ token }) => (token === 'sesame' ? { allow: true } : { allow: false, reason: 'no', kind: 'credentials' }),
  };

  async function serve(process: Awaited<ReturnType<typeof begin>>) {
    const server = http.createServer(heartbeatApi(process.connections));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.unshift(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return (route: string, body: object) => fetch(`${url}${route}`, { method: 'POST', body: JSON.stringify(body) });
  }

  it('accepts the keys that were given out before, which the file does not contain', async () => {
    const first = await begin(undefined, [sesame]);
    const sid = 'a player of its own';
    const began = await (await serve(first))('/streams/cam1/connections?token=sesame', { sid });
    const { id, key } = (await began.json()) as { id: string; key: string };
    const [row] = first.rows();
    const left = await first.killed();
    const text = readFileSync(left, 'utf8');
    expect(text).toContain(id);
    for (const secret of [key, 'sesame', sid]) expect(text).not.toContain(secret);

    clock.advance(20_000);
    const next = await begin(left, [sesame]);
    const post = await serve(next);
    const beat = `/connections/${id}/heartbeat`;
    expect((await post(`${beat}?token=sesame`, { sid, key: key.replace(/.$/, '_') })).status).toBe(403);
    expect((await post(`${beat}?token=sesame`, { sid, key })).status).toBe(204);
    expect(next.rows()).toMatchObject([{ id: row?.id, openedAt: row?.openedAt }]);
    expect(next.tracker.stats()).toMatchObject({ resumedTotal: 1, waiting: 0 });

    // and once more, with the same key
    const third = await begin(await next.killed(), [sesame]);
    const again = await serve(third);
    expect((await again(`${beat}?token=sesame`, { sid, key })).status).toBe(204);
    expect([third.rows().length, third.connections.getConnectionCount('cam1')]).toEqual([1, 1]);
    expect((await again(`/connections/${id}/end`, { key })).status).toBe(204);
    expect(third.connections.getConnectionCount('cam1')).toBe(0);
  });

  it('makes connections begin again if they return without their credentials, and says which are kept out', async () => {
    const first = await begin(undefined, [sesame]);
    const post = await serve(first);
    const answer = await post('/streams/cam1/connections?token=sesame', {});
    const { id, key } = (await answer.json()) as { id: string; key: string };
    const next = await begin(await first.killed(), [sesame]);
    expect((await (await serve(next))(`/connections/${id}/heartbeat`, { key })).status).toBe(404);

    const other = await begin(await first.killed(), [sesame]);
    other.tracker.deny({ stream: 'cam1' });
    const refused = await (await serve(other))(`/connections/${id}/heartbeat?token=sesame`, { key });
    expect([refused.status, await refused.json()]).toEqual([410, { reason: 'denied' }]);
  });
});
