import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { localOnly, sessionsApi, type SessionsApiOptions } from '../src/index.js';
import { get } from './support/client.js';
import { type Nginx, startNginx } from '../../../test/support/nginx.js';
import { closeServers, serve } from './support/serve.js';

/**
 * What nginx does from 1.29.7 on when it is told nothing: HTTP/1.1 to the upstream over connections that are kept, with the
 * upstream as Host, and no header that says so. Nothing in such a request tells it from curl's.
 */
const UNSEEN = (upstream: number) =>
  `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host 127.0.0.1:${upstream};`;

const KEY = 'k3y-of-the-operator.0123456789';
let tracker: SessionTracker;
let nginx: Nginx | undefined;
let id: string;

beforeEach(() => {
  tracker = createTracker();
  id = tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '10.0.0.1' })!.id;
});
afterEach(async () => {
  await nginx?.stop();
  nginx = undefined;
  await closeServers();
  await tracker.stop();
});

async function behindNginx(options: SessionsApiOptions, directives = UNSEEN) {
  const { port } = await serve(express().use('/api', sessionsApi(tracker, options)));
  nginx = await startNginx(port, directives(port));
  const ask = async (method: string, path: string, headers: Record<string, string> = {}) =>
    get(nginx!.url, `/api${path}`, headers, { method });
  return ask;
}

const alive = () => tracker.count({ status: 'active' }) === 1;

it('the API refuses list and kick through an undetectable nginx', async () => {
  const ask = await behindNginx({ key: KEY });
  for (const [method, path] of [
    ['GET', '/sessions'],
    ['HEAD', '/sessions'],
    ['GET', '/stats'],
    ['DELETE', `/sessions/${id}`],
    ['POST', '/denials'],
  ] as const) {
    const { status, text } = await ask(method, path);
    expect([method, path, status]).toEqual([method, path, 401]);
    expect(text).not.toContain('cam1');
  }
  expect(alive()).toBe(true);
});

it('the API lets callers with the key in through it, by header and by cookie', async () => {
  const ask = await behindNginx({ key: KEY });
  const authorization = `Bearer ${KEY}`;
  expect((await ask('GET', '/sessions', { authorization })).text).toContain('cam1');
  const signedIn = await ask('GET', `/sessions?key=${KEY}`);
  expect([signedIn.status, signedIn.headers.location]).toEqual([303, './sessions']);
  const cookie = signedIn.headers['set-cookie']![0]!.split(';')[0]!;
  expect((await ask('GET', '/sessions', { cookie })).status).toBe(200);
  const ownPage = { cookie, origin: 'https://public.example', 'sec-fetch-site': 'same-origin' };
  expect((await ask('DELETE', `/sessions/${id}`, ownPage)).status).toBe(204);
});

it('localOnly lets everybody in through an undetectable nginx, as its docs warn', async () => {
  const ask = await behindNginx({ authorize: localOnly });
  expect((await ask('GET', '/sessions')).text).toContain('cam1');
});

it.each([
  ['HTTP/1.0, as nginx spoke until then', () => ''],
  ['the name that the client used', () => 'proxy_http_version 1.1; proxy_set_header Host example.org;'],
  ['the usual header', () => 'proxy_http_version 1.1; proxy_set_header X-Forwarded-For $remote_addr;'],
])('localOnly detects an nginx that speaks %s', async (_what, directives) => {
  const ask = await behindNginx({ authorize: localOnly }, directives);
  expect((await ask('GET', '/sessions')).status).toBe(403);
});
