import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import connect from 'connect';
import express from 'express';
import {
  createManager,
  localStorage,
  sessionHeader,
  sessionOf,
  type Manager,
  type SessionHeaderOptions,
  type Storage,
} from '@stream-sessions/session-store';

const INITIALIZE = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} };
const CALL = { jsonrpc: '2.0', id: 'c-7', method: 'tools/list' };

let manager: Manager;
let server: Server;
let url: string;
let storage: Storage;
let seen: (string | undefined)[];

async function listen(listener: Parameters<typeof createServer>[1]): Promise<void> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

/** As in the README. */
async function serve(options: SessionHeaderOptions = {}): Promise<void> {
  const app = express();
  app.use('/mcp', express.json(), sessionHeader(manager, options), (req, res) => {
    seen.push(sessionOf(req)?.id);
    res.json({ type: sessionOf(req)?.type });
  });
  await listen(app);
}

beforeEach(() => {
  seen = [];
  storage = localStorage();
  manager = createManager({ storage });
});
afterEach(async () => {
  await manager.stop();
  server.closeAllConnections();
  server.close();
});

async function ask(method: string, id?: string, body?: unknown, header = 'Mcp-Session-Id') {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(id !== undefined && { [header]: id }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const json: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: answer.status, id: answer.headers.get(header), type: answer.headers.get('content-type'), json };
}

it('the middleware opens a session for an initialize, passes it to other requests, and ends it with DELETE', async () => {
  await serve();
  const opened = await ask('POST', undefined, INITIALIZE);
  expect(opened).toMatchObject({ status: 200, json: { type: 'streamable' } });
  const id = opened.id as string;
  expect(await manager.count()).toBe(1);
  expect((await ask('POST', id, CALL)).status).toBe(200);
  expect((await ask('GET', id.toUpperCase())).status).toBe(200);
  expect(seen).toEqual([id, id, id]);
  expect(await ask('DELETE', id)).toMatchObject({ status: 204, json: undefined });
  expect((await ask('POST', id, CALL)).status).toBe(404);
  expect((await ask('DELETE', id)).status).toBe(404);
  expect(await manager.count()).toBe(0);
});

it.each([
  ['of a string', CALL, { id: 'c-7' }],
  ['of a number', { ...CALL, id: 0 }, { id: 0 }],
  ['of null, as none', { ...CALL, id: null }, {}],
  ['of an object, as none', { ...CALL, id: { a: 1 } }, {}],
])('the middleware answers an unknown session with 404 and the id %s of the request', async (_what, body, echoed) => {
  await serve();
  for (const id of [randomUUID(), 'no UUID at all', '']) {
    const { status, type, json } = await ask('POST', id, body);
    expect([status, type]).toEqual([404, 'application/json']);
    expect(json).toEqual({ jsonrpc: '2.0', error: { code: -32_001, message: 'Session not found' }, ...echoed });
  }
  expect(seen).toEqual([]);
});

it('the middleware answers a request without a session with 400, and opens none', async () => {
  await serve();
  for (const [method, body] of [['POST', CALL], ['GET'], ['DELETE'], ['PUT', INITIALIZE]] as [string, unknown?][]) {
    const { status, json } = await ask(method, undefined, body);
    expect(status).toBe(400);
    expect(json).toMatchObject({ error: { code: -32_000, message: 'Bad Request: Mcp-Session-Id is required' } });
  }
  expect([seen, await manager.count()]).toEqual([[], 0]);
});

it('the middleware does not let a client choose the id of its session', async () => {
  await serve();
  expect((await ask('POST', randomUUID(), INITIALIZE)).status).toBe(404);
  expect(await manager.count()).toBe(0);
});

it('the middleware answers 404 for a session of another type', async () => {
  await serve();
  const { id } = await manager.create('sse');
  expect((await ask('POST', id, CALL)).status).toBe(404);
  expect((await ask('DELETE', id)).status).toBe(404);
  expect(await manager.count()).toBe(1);
});

it('the middleware accepts another header, another type, and another rule for who may open a session', async () => {
  await serve({ header: 'X-Session', type: 'game', mayOpen: async ({ method }) => method === 'GET' });
  const { status, id, json } = await ask('GET', undefined, undefined, 'X-Session');
  expect([status, json]).toEqual([200, { type: 'game' }]);
  expect((await ask('GET', id as string, undefined, 'X-Session')).status).toBe(200);
  expect((await ask('POST', undefined, INITIALIZE, 'X-Session')).status).toBe(400);
});

it('the middleware answers 503 while the store is away, and 503 when it is stopped, never 404', async () => {
  await serve();
  const { id } = await ask('POST', undefined, INITIALIZE);
  await storage.close();
  for (const [method, name, body] of [
    ['POST', id, CALL],
    ['POST', undefined, INITIALIZE],
    ['DELETE', id],
  ] as const) {
    const { status, json } = await ask(method, name ?? undefined, body);
    expect(status).toBe(503);
    expect(json).toMatchObject({ jsonrpc: '2.0', error: { code: -32_000 } });
  }
  await manager.stop();
  expect((await ask('POST', id as string, CALL)).status).toBe(503);
});

it('the middleware passes other errors on, once', async () => {
  const failed: unknown[] = [];
  const app = connect();
  app.use(sessionHeader(manager, { mayOpen: () => Promise.reject(new Error('broken')) }));
  app.use((error: unknown, _req: unknown, res: { statusCode: number; end(): void }, _next: unknown) => {
    failed.push(error);
    res.statusCode = 500;
    res.end();
  });
  await listen(app);
  expect((await ask('GET')).status).toBe(500);
  expect(failed).toEqual([new Error('broken')]);
});

it.each([
  [{ header: 'Mcp Session' }, /header/],
  [{ header: '' }, /header/],
  [{ mayOpen: true as never }, /mayOpen/],
  [{ typ: 'x' } as never, /Did you mean "type"/],
])('the middleware refuses the options %j', async (options, message) => {
  await serve();
  expect(() => sessionHeader(manager, options)).toThrow(message);
  expect(() => sessionHeader({} as never)).toThrow(/createManager/);
});
