import type http from 'node:http';
import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { localOnly, sessionsApi, trackPlayback, type SessionsApiOptions } from '../src/index.js';
import { notDirectlyLocal } from '../src/sessions-api/local-only.js';
import { get, RawClient, until } from './support/client.js';
import { directoryOf } from './support/directory.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;
let id: string;

beforeEach(() => {
  tracker = createTracker();
  id = tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '10.0.0.1' })!.id;
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const api = (options: SessionsApiOptions = { authorize: localOnly }) =>
  serve(express().use(sessionsApi(directoryOf(tracker), options)));
const alive = () => tracker.count({ status: 'active' }) === 1;

describe('authorize: localOnly', () => {
  it.each(['localhost', 'localhost:3000', 'LOCALHOST', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:8080'])(
    'lets a direct caller with Host %s read and write',
    async (host) => {
      const { url } = await api();
      expect((await get(url, '/sessions', { host })).status).toBe(200);
      expect((await get(url, `/sessions/${id}`, { host }, { method: 'DELETE' })).status).toBe(204);
    },
  );

  it.each([
    'example.com',
    'localhost.example.com',
    'localhost:3000:1',
    'localhost@example.com',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '0.0.0.0',
    '[::]',
    '::1',
    '[::1].example.com',
    'localhost.',
  ])('refuses the Host %s: a name may have been rebound to this machine', async (host) => {
    const { url } = await api();
    const answer = await get(url, '/sessions', { host });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({
      error: { code: 'FORBIDDEN', message: expect.stringContaining('the Host is not localhost') },
    });
  });

  it.each([
    'X-Forwarded-For',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-anything',
    'Forwarded',
    'Via',
    'X-Real-IP',
    'X-Client-IP',
    'CF-Connecting-IP',
    'CF-Ray',
    'True-Client-IP',
    'X-Original-For',
    'X-Envoy-External-Address',
    'X-Amzn-Trace-Id',
    'Fly-Client-IP',
    'CDN-Loop',
  ])('refuses a request with %s', async (name) => {
    const { url } = await api();
    expect((await get(url, '/sessions', { [name]: '127.0.0.1' })).status).toBe(403);
    expect((await get(url, '/sessions', { [name]: '' })).status).toBe(403);
  });

  it('refuses HTTP/1.0, which nginx uses for its upstreams, and a missing Host', async () => {
    const { port } = await api();
    for (const head of ['GET /sessions HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n', 'GET /sessions HTTP/1.0\r\n\r\n']) {
      const client = await RawClient.connect(port);
      client.socket.write(head);
      await until(() => client.status !== 0);
      expect(client.status).toBe(403);
      client.socket.destroy();
    }
  });

  it.each<Record<string, string>>([
    { origin: 'https://example.com' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { origin: 'http://localhost.example.com' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'nonsense' },
  ])('refuses a page from elsewhere, which an app-wide cors() would let read: %j', async (headers) => {
    const { url } = await api();
    for (const [method, path] of [
      ['GET', '/sessions'],
      ['HEAD', '/stats'],
      ['DELETE', `/sessions/${id}`],
      ['POST', '/denials'],
      ['POST', '/invalidate'],
    ]) {
      expect((await get(url, path!, headers, { method: method! })).status).toBe(403);
    }
    expect(alive()).toBe(true);
  });

  it('lets a link from another page lead to the API', async () => {
    const { url } = await api();
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await get(url, '/sessions', visit)).status).toBe(200);
    expect((await get(url, `/sessions/${id}`, visit, { method: 'DELETE' })).status).toBe(403);
    expect((await get(url, '/sessions', { ...visit, 'sec-fetch-dest': 'iframe' })).status).toBe(403);
  });

  it.each(['same-origin', 'none'])('lets its own page write (%s)', async (site) => {
    const { url } = await api();
    const headers = { 'sec-fetch-site': site, origin: url };
    expect((await get(url, `/sessions/${id}`, headers, { method: 'DELETE' })).status).toBe(204);
  });

  it('admits only loopback addresses', () => {
    const from = (remoteAddress: string | undefined) =>
      notDirectlyLocal({
        socket: { remoteAddress },
        headers: { host: 'localhost' },
        httpVersion: '1.1',
        httpVersionMajor: 1,
      } as never);
    for (const local of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) expect(from(local)).toBeUndefined();
    for (const other of ['10.0.0.1', '192.168.0.2', '::ffff:10.0.0.1', 'fe80::1', '128.0.0.1', '', undefined])
      expect(from(other)).toBeDefined();
  });
});

describe('with authorize', () => {
  it('calls the function with the action, and its answer alone decides', async () => {
    const asked: string[] = [];
    const authorize = async (req: { headers: http.IncomingHttpHeaders }, action: string) => {
      asked.push(action);
      return req.headers.authorization === 'Bearer key';
    };
    const { url } = await api({ authorize });
    const headers = { authorization: 'Bearer key', 'x-forwarded-for': '1.2.3.4', host: 'example.com' };
    expect((await get(url, '/sessions', headers)).status).toBe(200);
    expect((await get(url, '/sessions', headers, { method: 'HEAD' })).status).toBe(200);
    expect((await get(url, '/sessions')).status).toBe(403);
    expect((await get(url, `/sessions/${id}`, {}, { method: 'DELETE' })).status).toBe(403);
    expect((await get(url, '/sessions', {}, { method: 'PURGE' })).status).toBe(403);
    expect(asked).toEqual(['read', 'read', 'read', 'write', 'write']);
    expect(alive()).toBe(true);
    expect((await get(url, `/sessions/${id}`, headers, { method: 'DELETE' })).status).toBe(204);
  });

  it.each([undefined, null, 0, 'yes', 1, {}])('treats the answer %p as a refusal', async (answer) => {
    const { url } = await api({ authorize: () => answer as never });
    expect((await get(url, '/sessions')).status).toBe(403);
  });

  it('admits nobody if the function fails, and does not show why', async () => {
    for (const authorize of [
      () => Promise.reject(new Error('db password s3cret')),
      () => {
        throw new Error('s3cret');
      },
    ]) {
      const { url } = await api({ authorize });
      const answer = await get(url, `/sessions/${id}`, {}, { method: 'DELETE' });
      expect(answer.status).toBe(500);
      expect(answer.text).not.toContain('s3cret');
      expect(alive()).toBe(true);
    }
  });

  it('may ask for credentials', async () => {
    const authorize = () => Promise.reject(Object.assign(new Error('who?'), { status: 401 }));
    const { url } = await api({ authorize });
    const answer = await get(url, '/sessions');
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    expect(JSON.parse(answer.text).error.code).toBe('UNAUTHORIZED');
  });

  it('is not called for paths that are not the API’s', async () => {
    const authorize = jest.fn(() => false);
    const { url } = await serve(
      express().use(sessionsApi(directoryOf(tracker), { authorize }), (_req, res) => void res.send('next')),
    );
    expect((await get(url, '/page')).text).toBe('next');
    expect(authorize).not.toHaveBeenCalled();
  });
});

it.each([trackPlayback, sessionsApi])('sessionsApi rejects anything but a tracker: %p', (make) => {
  for (const wrong of [undefined, { stream: 'dirname' }]) {
    expect(() => make(wrong as never)).toThrow(/first argument must be a tracker/);
  }
});
