import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import express from 'express';
import express4 from 'express4';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { until } from '@stream-sessions/core/testing';
import { createConnectionTracker, heartbeatApi, HEARTBEAT_SCRIPT, type ConnectionTracker } from '../src/index.js';
import type { HeartbeatApiOptions } from '../src/index.js';

let tracker: SessionTracker;
let connections: ConnectionTracker;
let server: Server;
let url: string;

async function serve(options: HeartbeatApiOptions = {}, app = express()): Promise<void> {
  app.use('/beat', heartbeatApi(connections, options));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/beat`;
}

beforeEach(() => {
  tracker = createTracker();
  connections = createConnectionTracker(tracker);
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  connections.stop();
  await tracker.stop();
});

interface Begun {
  id: string;
  key: string;
  interval: number;
}
const post = (path: string, body: object | string = {}) =>
  fetch(url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const begin = async (query = '', body: object = {}) =>
  (await (await post(`/streams/cam1/connections${query}`, body)).json()) as Begun;

it('the HTTP API begins a connection, takes its heartbeats, and ends it', async () => {
  await serve();
  const { id, key, interval } = await begin();
  expect(interval).toBe(20_000);
  expect(tracker.list({ stream: 'cam1' })).toMatchObject([{ protocol: 'heartbeat', ip: '127.0.0.1' }]);
  expect((await post(`/connections/${id}/heartbeat`, { key })).status).toBe(204);
  expect(connections.getConnectionCount('cam1')).toBe(1);
  expect((await post(`/connections/${id}/end`, { key })).status).toBe(204);
  expect((await post(`/connections/${id}/end`, { key })).status).toBe(204);
  expect(connections.getConnectionCount('cam1')).toBe(0);
  expect((await post(`/connections/${id}/heartbeat`, { key })).status).toBe(404);
});

it('the HTTP API names its viewer by token and sid, as the media requests of that viewer do', async () => {
  await serve();
  await begin('?token=open-sesame', { sid: 'a page' });
  const [viewer] = tracker.list({ stream: 'cam1' });
  expect(viewer?.namedBy).toBe('token');
  await begin('', { sid: 'another' });
  expect(tracker.count({ stream: 'cam1' })).toBe(2);
});

describe.each(Object.entries({ 'Express 4': express4, 'Express 5': express }))(
  'behind a body parser of %s',
  (_, framework) => {
    it.each([
      ['json', framework.json()],
      ['json of all types', framework.json({ type: () => true })],
      ['urlencoded', framework.urlencoded({ extended: false })],
      ['text', framework.text()],
      ['raw', framework.raw({ type: () => true })],
    ])('the HTTP API reads what pages send: %s', async (_name, parser) => {
      await serve({}, framework().use(parser));
      const { id, key } = await begin('', { sid: 'a page' });
      expect(tracker.list({ stream: 'cam1' })).toMatchObject([{ namedBy: 'cmcd' }]);
      expect((await post(`/connections/${id}/heartbeat`, { key })).status).toBe(204);
      expect((await post(`/connections/${id}/heartbeat`)).status).toBe(403);
      expect((await post(`/connections/${id}/heartbeat`, '')).status).toBe(403);
    });
  },
);

it('the HTTP API rejects heartbeats without the right key', async () => {
  await serve();
  const { id } = await begin();
  const other = await begin();
  expect((await post(`/connections/${id}/heartbeat`)).status).toBe(403);
  expect((await post(`/connections/${id}/end`, { key: other.key })).status).toBe(403);
  expect((await post(`/connections/${id}/end`, { key: 'x'.repeat(200) })).status).toBe(403);
  expect(connections.getConnectionCount('cam1')).toBe(2);
});

it('the HTTP API tells a page why its viewer was kicked', async () => {
  await serve();
  const { id, key } = await begin();
  tracker.kickAll({ stream: 'cam1' });
  const answer = await post(`/connections/${id}/heartbeat`, { key });
  expect([answer.status, await answer.json()]).toEqual([410, { reason: 'kicked' }]);
  const again = await post('/streams/cam1/connections');
  expect([again.status, await again.json()]).toEqual([403, { reason: 'kicked' }]);
});

it('the HTTP API allows twenty connections per address', async () => {
  await serve();
  for (let n = 0; n < 20; n++) await begin();
  const answer = await post('/streams/cam1/connections');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60']);
});

it('the HTTP API counts the connections of an address while a policy thinks', async () => {
  let decide = (): void => undefined;
  const decided = new Promise<void>((resolve) => (decide = resolve));
  const slow = { name: 'slow', admit: () => decided.then(() => ({ allow: true as const })) };
  tracker.updateConfig({ policies: [slow] });
  await serve({ maxPerAddress: 2 });
  const answered: number[] = [];
  const all = Array.from({ length: 10 }, async () => answered.push((await post('/streams/cam1/connections')).status));
  await until('those beyond the limit are answered', () => answered.length === 8);
  expect(new Set(answered)).toEqual(new Set([429]));
  decide();
  await Promise.all(all);
  expect(answered.slice(8)).toEqual([201, 201]);
  expect(connections.getConnectionCount('cam1')).toBe(2);
});

it('the HTTP API accepts heartbeats from pages of other origins, of all or of a list', async () => {
  await serve();
  const preflight = await fetch(`${url}/streams/cam1/connections`, { method: 'OPTIONS' });
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  expect(preflight.headers.get('access-control-allow-headers')).toBe('Content-Type');
  server.close();
  await serve({ origins: ['https://example.com'] });
  const answers = (
    [
      undefined,
      'https://example.com',
      new URL(url).origin,
      'https://evil.example',
      'http://example.com',
      'null',
    ] as const
  ).map(async (origin) => {
    const { id, key } = await begin();
    const init = { method: 'POST', headers: { ...(origin && { Origin: origin }) } };
    const body = JSON.stringify({ key });
    const begun = await fetch(`${url}/streams/cam2/connections`, init);
    const beaten = await fetch(`${url}/connections/${id}/heartbeat`, { ...init, body });
    return [begun.status, beaten.status, begun.headers.get('access-control-allow-origin')];
  });
  expect(await Promise.all(answers)).toEqual([
    [201, 204, null],
    [201, 204, 'https://example.com'],
    [201, 204, null],
    [403, 403, null],
    [403, 403, null],
    [403, 403, null],
  ]);
  expect(connections.getConnectionCount('cam2')).toBe(3);
  // a proxy in front has not passed the Host on
  const headers = { Origin: 'https://tracker.example', 'Sec-Fetch-Site': 'same-origin' };
  expect((await fetch(`${url}/streams/cam1/connections`, { method: 'POST', headers })).status).toBe(201);
});

it.each([['https://example.com/'], ['https://Example.com'], ['https://example.com:443'], ['example.com'], ['null']])(
  'the HTTP API refuses the origin %s, which no browser sends',
  (origin) => {
    expect(() => heartbeatApi(connections, { origins: [origin] })).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringMatching(/^origins must be/) }),
    );
  },
);

it('the HTTP API lists connections to callers that the app authorises', async () => {
  await serve({ authorize: (req) => req.headers.authorization === 'Bearer operator' });
  await begin();
  expect((await fetch(`${url}/streams/cam1/connections`)).status).toBe(403);
  const headers = { Authorization: 'Bearer operator', Origin: 'https://evil.example' };
  const answer = await fetch(`${url}/streams/cam1/connections`, { headers });
  // of an operator who is authorised by an address, any page could read it
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  expect(await answer.json()).toMatchObject({
    count: 1,
    connections: [{ session_id: 'cam1', client_ip: '127.0.0.1', connected_at: expect.stringMatching(/Z$/) }],
  });
});

it.each([
  ['POST', '/streams/%E0%A4%A/connections', undefined, 400],
  ['POST', '/streams/cam1/connections', 'not JSON', 400],
  ['POST', '/streams/cam1/connections', `{"sid":"${'x'.repeat(5_000)}"}`, 400],
  ['POST', '/streams/cam1/connections', '[1]', 201],
  ['PUT', '/streams/cam1/connections', undefined, 405],
  ['GET', '/connections/x/end', undefined, 405],
  ['POST', '/elsewhere', undefined, 404],
])('%s %s with %s is answered %d', async (method, path, body, status) => {
  await serve();
  expect((await fetch(url + path, { method, ...(body !== undefined && { body }) })).status).toBe(status);
});

it.each([async () => ({ ip: '203.0.113.9' }), () => ({}), () => ({ ip: 7 })])(
  'a client that the app identifies by %p is an error of the app',
  async (client) => {
    const app = express();
    const failed = jest.fn();
    await serve({ client: client as never }, app);
    app.use((error: Error, _req: unknown, res: express.Response, _next: unknown) => {
      failed(error.message);
      res.status(500).end();
    });
    expect((await post('/streams/cam1/connections')).status).toBe(500);
    expect(failed).toHaveBeenCalledWith(expect.stringContaining('client'));
    expect(tracker.count()).toBe(0);
  },
);

it('the HTTP API serves a script of at most a kilobyte', async () => {
  await serve();
  const answer = await fetch(`${url}/heartbeat.js`);
  expect(answer.headers.get('content-type')).toMatch(/^text\/javascript/);
  expect(await answer.text()).toBe(HEARTBEAT_SCRIPT);
  expect(Buffer.byteLength(HEARTBEAT_SCRIPT)).toBeLessThanOrEqual(1_024);
});

it('the HTTP API works as a plain handler of http, and refuses unknown or invalid options', async () => {
  const handler = heartbeatApi(connections);
  server = createServer((req, res) => handler(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect((await post('/streams/cam1/connections')).status).toBe(201);
  expect((await post('/elsewhere')).status).toBe(404);
  expect(() => heartbeatApi(connections, { intervalMs: 60_000 })).toThrow('shorter than the window');
  expect(() => heartbeatApi({} as never)).toThrow('what createConnectionTracker() returned');
});

it.each([
  ['maxPerAddress', '5'],
  ['maxPerAddress', true],
  ['maxPerAddress', 0],
  ['intervalMs', '5'],
  ['intervalMs', null],
])('the HTTP API refuses %s: %p', (name, value) => {
  expect(() => heartbeatApi(connections, { [name]: value })).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringContaining(name) }),
  );
});
