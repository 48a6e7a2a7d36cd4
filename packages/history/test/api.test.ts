import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type History, historyApi } from '@stream-sessions/history';
import { madeUpSession, START } from '../src/testing/stage.js';
import { Stage } from './support/stage.js';

const MINUTE = 60_000;
let stage: Stage;
let server: Server;
let history: History;
let url: string;

beforeAll(async () => {
  stage = await Stage.begin();
  const opened = await stage.open();
  history = opened.history;
  const { directory } = opened;
  for (let n = 0; n < 2_500; n++) {
    const openedAt = START + (n % 50) * 1_000;
    const session = madeUpSession({ id: `id-${n}`, userName: n === 7 ? '=cmd|"x"' : `user ${n % 100}`, openedAt });
    const end = openedAt + 2 * MINUTE;
    directory.emit('closed', { session: { ...session, bytes: n, updatedAt: end, closedAt: end, closeReason: 'idle' } });
  }
  const publisher = madeUpSession({
    ...{ id: 'camera', kind: 'input', protocol: 'rtmp', updatedAt: START + 10 * MINUTE },
    ...{ ip: '198.51.100.9', tags: { site: 'a=b' } },
  });
  directory.emit('closed', { session: { ...publisher, closedAt: START + 10 * MINUTE } });
  await history.flushed();
  const api = historyApi(history, { authorize: (req) => req.headers.authorization === 'Bearer operator' });
  server = createServer((req, res) => api(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await stage.clear();
  await stage.end();
});

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${url}${path}`, { ...init, headers: { Authorization: 'Bearer operator' } });
interface Answer {
  readonly visits: readonly object[];
  readonly points: readonly object[];
  readonly next: string;
}
const json = async (path: string) => (await (await ask(path)).json()) as Answer;
const range = `from=${new Date(START).toISOString()}&to=${new Date(START + 10 * MINUTE).toISOString()}`;

it('the HTTP API admits callers that `authorize` admits', async () => {
  expect((await fetch(`${url}/visits`)).status).toBe(403);
  expect((await fetch(`${url}/visits.csv`)).status).toBe(403);
});

it('the HTTP API shows visits page by page, with the total of all that match the filter', async () => {
  const first = await json(`/visits?user=user%203&limit=10&proto=hls&country=DE&reason=idle&min_sec=60&${range}`);
  expect(first).toMatchObject({ total_count: 25, visits: { length: 10 } });
  expect(first.visits[0]).toMatchObject({ user_name: 'user 3', stream_code: 'cam1', duration_sec: 120 });
  const last = await json(`/visits?user=user%203&limit=20&after=${encodeURIComponent(first.next)}`);
  expect(last).toMatchObject({ total_count: 25, visits: { length: 15 } });
  expect(last).not.toHaveProperty('next');
});

it.each([
  ['ip=198.51.100.9', 1],
  ['ip=198.51.100.0/24', 1],
  ['ip=198.51.100.10', 0],
  ['ip=::ffff:198.51.100.9', 1],
  ['ip=::ffff:198.51.100.0/120', 1],
  ['proto=RTMP', 1],
  ['country=de&proto=RTMP', 1],
  ['user=&kind=input', 1],
  ['ip=203.0.113.0/28', 2_500],
  ['tag=site', 1],
  ['tag=site=a=b', 1],
  ['tag=site=a', 0],
  ['min_sec=600', 1],
  ['max_sec=599', 2_500],
  ['min_sec=120&max_sec=120&kind=viewer', 2_500],
])('the filter %s finds %i visits', async (filter, count) => {
  expect(await json(`/visits?${filter}&limit=1`)).toMatchObject({ total_count: count });
});

it('the HTTP API shows one visit, by its visit_id or by the id of a session', async () => {
  expect(await json(`/visits/id-3-${START + 3_000}`)).toMatchObject({ id: 'id-3', bytes: 3 });
  expect(await json('/visits/id-3')).toMatchObject({ visit_id: `id-3-${START + 3_000}` });
  expect((await ask('/visits/nobody')).status).toBe(404);
});

it('the HTTP API sums up, has concurrent viewers, names streams, and shows a broadcast', async () => {
  expect(await json(`/summary?${range}`)).toMatchObject({
    views: 2_500,
    uniques_by_day: 101,
    peak: 2_500,
    countries: [{ key: 'DE', views: 2_500 }],
    reasons: [{ key: 'idle' }],
  });
  const { points } = await json(`/concurrency?stream=cam1&step=60&${range}`);
  expect(points).toHaveLength(10);
  expect(points[0]).toMatchObject({ peak: 2_500, views: 2_500 });
  expect(points[9]).toMatchObject({ peak: 0, views: 0 });
  expect(await json(`/top-streams?${range}`)).toMatchObject({ streams: [{ stream_code: 'cam1', views: 2_500 }] });
  expect(await json('/broadcasts/camera')).toMatchObject({ uniques: 101, summary: { views: 2_500 } });
  expect((await ask('/broadcasts/id-3')).status).toBe(404);
});

it('the HTTP API exports all matching visits, as NDJSON and as CSV that no spreadsheet executes', async () => {
  const lines = (await (await ask('/visits.ndjson?kind=viewer')).text()).trimEnd().split('\n');
  expect(lines).toHaveLength(2_500);
  expect(JSON.parse(lines[0] as string)).toHaveProperty('visit_id');
  const csv = (await (await ask('/visits.csv?kind=viewer')).text()).trimEnd().split('\r\n');
  expect(csv).toHaveLength(2_501);
  expect(csv.find((line) => line.includes('cmd'))).toContain(`"'=cmd|""x"""`);
});

it('the HTTP API exports everything about a user, and makes the history forget the user', async () => {
  const user = '/users/user%2042';
  expect((await (await ask(user)).text()).trimEnd().split('\n')).toHaveLength(25);
  expect(await (await ask(user, { method: 'DELETE' })).json()).toEqual({ visits: 25, denials: 0, live: 0 });
  expect(await (await ask(user)).text()).toBe('');
});

it.each([
  ['/visits?who=me', 'Unknown query name'],
  ['/visits?ip=300.1.1.1', 'ip: "300.1.1.1" is not an IP address'],
  ['/visits?ip=203.0.113.0/33', 'ip: "203.0.113.0/33" is not an IP address'],
  ['/visits?kind=veiwer', 'kind: "veiwer" is not known. Allowed: viewer, input, output, unspecified.'],
  ['/visits?country=DEU', 'country: "DEU" is not a country code'],
  ['/visits?proto=%00', 'proto: "\\u0000" is not a protocol'],
  ['/visits.csv?kind=veiwer', 'kind: "veiwer" is not known'],
  ['/visits?after=zzz', 'after'],
  ['/visits?limit=-1', 'limit'],
  ['/summary', 'from and to are needed'],
  [`/summary?from=yesterday&to=2026-01-01`, 'not a time'],
  ['/summary?from=2026-02-30&to=2026-03-05', 'from: "2026-02-30" is not a time'],
  ['/visits?to=2026-04-31T10:00:00Z', 'to: "2026-04-31T10:00:00Z" is not a time'],
  ['/visits?from=2026-13-01', 'from: "2026-13-01" is not a time'],
  ['/visits?from=0000-01-01T00:00%2B14:00', 'from: "0000-01-01T00:00+14:00" is not a time'],
  [`/concurrency?step=30&${range}`, 'step: allowed are multiples of 60 seconds.'],
  [`/concurrency?step=0&${range}`, 'step: allowed are multiples of 60 seconds.'],
  ['/concurrency?from=2020-01-01&to=2020-01-02', 'step: allowed are multiples of 3600 seconds, because only hours'],
  ['/concurrency?from=2020-01-01&to=2026-01-01&step=3600', 'step: there would be more than 20000 steps'],
  [`/top-streams?order=x&${range}`, 'order: "x" is not known. Allowed: watch, views, peak, bytes.'],
  ['/visits?stream=a%00b', 'NUL'],
  ['/visits?tag=%3Dgold', 'key=value'],
  [`/visits?after=${Buffer.from('9999999999999999 x').toString('base64url')}`, 'after'],
  [`/visits?after=${Buffer.from('-9999999999999999 x').toString('base64url')}`, 'after'],
  ['/summary?from=2026-02-01&to=2026-01-01', 'to: "2026-01-01" is not after from'],
  ['/summary?from=2026-02-01&to=2026-02-01', 'after from'],
])('the HTTP API answers %s with 400 and says why', async (path, why) => {
  const response = await ask(path);
  expect(response.status).toBe(400);
  const { error } = (await response.json()) as { error: { message: string } };
  expect(error.message).toContain(why);
  expect(error.message).not.toMatch(/stepMs|protocol must|milliseconds/);
});

it.each([
  ['/summary?from=0000-01-01&to=9999-12-31T23:59:59Z'],
  ['/top-streams?from=0000-01-01&to=9999-12-31&limit=1000'],
  ['/visits?from=9999-12-31&to=0000-01-01'],
  ['/visits?min_sec=999999999'],
  ['/visits?limit=0'],
  ['/visits?limit=9999999999999999'],
  ['/concurrency?from=2024-02-29&to=2024-03-01&step=3600'],
  ['/visits?tag=a%ED%A0%80%3Db'],
])('the HTTP API answers the odd but valid query %s', async (path) => {
  expect((await ask(path)).status).toBe(200);
});

it('the HTTP API exports and erases nothing without a name, and finds nothing under an invalid one', async () => {
  const nobody = {} as { user: string };
  expect(() => history.export(nobody)).toThrow('user must be a text');
  await expect(history.erase(nobody)).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
  await expect(history.erase({ user: 'a\0' })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
  expect(await history.visit('a\0')).toBeUndefined();
  expect(await history.visit('id-3', 1e300)).toBeUndefined();
  const range = { from: START, to: START + MINUTE };
  for (const over of [{ from: -8.64e15 }, { to: 1e300 }, { from: NaN }]) {
    await expect(history.summary({ ...range, ...over })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
  }
  await expect(history.visits({ minDurationMs: 1e300 })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION' });
  expect((await history.visits({ tag: 'a=\uD800' })).total).toBe(0);
});

it.each(['POST', 'OPTIONS', 'DELETE', 'PROPFIND'])('the HTTP API answers %s of a list with 405', async (method) => {
  const response = await ask('/visits', { method });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});
