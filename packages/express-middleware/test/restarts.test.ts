import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { createTracker, fileState, type SessionTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback } from '../src/index.js';
import { closeServers, serve } from './support/serve.js';

let folder: string;
let file: string;
const trackers: SessionTracker[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'state-'));
  file = path.join(folder, '0');
});
afterEach(async () => {
  await closeServers();
  await Promise.all(trackers.splice(0).map((tracker) => tracker.stop()));
  rmSync(folder, { recursive: true, force: true });
});

interface App {
  readonly tracker: SessionTracker;
  readonly url: string;
  /** Lets the answer that waits go on. */
  finish(): void;
}

async function start(): Promise<App> {
  const tracker = createTracker({ state: fileState(file) });
  trackers.push(tracker);
  const waiting: (() => void)[] = [];
  const app = express();
  app.use('/live', trackPlayback(tracker), (req, res) => {
    if (!req.url.includes('slow')) return void res.end('x'.repeat(1000));
    res.write('half');
    return void waiting.push(() => res.end('whole'));
  });
  app.use('/api', sessionsApi(tracker, { authorize: () => true }));
  const { url } = await serve(app);
  return { tracker, url, finish: () => waiting.splice(0).forEach((go) => go()) };
}

/** `kill -9`, as far as the next process can tell: it gets what the file has at this moment. */
async function killAndStart(): Promise<App> {
  copyFileSync(file, `${file}0`);
  file += '0';
  return start();
}

const get = (url: string, agent = 'player/1.0'): Promise<Response> => fetch(url, { headers: { 'user-agent': agent } });
const idOf = (tracker: SessionTracker): string | undefined => tracker.list({ status: 'active' })[0]?.id;

it('a viewer who comes while the state is still being read is recognised, and served', async () => {
  const first = await start();
  await (await get(`${first.url}/live/cam1/a.ts?token=t`)).text();
  await first.tracker.saved();
  const second = await killAndStart();
  expect((await get(`${second.url}/live/cam1/b.ts?token=t`)).status).toBe(200);
  expect(idOf(second.tracker)).toBe(idOf(first.tracker));
});

it.each<[string, (app: App) => Promise<Response>]>([
  ['DELETE /sessions/:id', ({ url, tracker }) => fetch(`${url}/api/sessions/${idOf(tracker)}`, { method: 'DELETE' })],
  [
    'POST /denials',
    ({ url }) =>
      fetch(`${url}/api/denials`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: 't' }),
      }),
  ],
])('%s answers only when the denial is on disk', async (_, ask) => {
  const first = await start();
  await (await get(`${first.url}/live/cam1/a.ts?token=t`)).text();
  expect((await ask(first)).ok).toBe(true);
  const second = await killAndStart();
  expect((await get(`${second.url}/live/cam1/a.ts?token=t`)).status).toBe(403);
});

it('DELETE /denials/:id answers only when the change is on disk', async () => {
  const first = await start();
  const { id } = first.tracker.deny({ token: 't' });
  await first.tracker.saved();
  expect((await fetch(`${first.url}/api/denials/${id}`, { method: 'DELETE' })).ok).toBe(true);
  const second = await killAndStart();
  expect((await get(`${second.url}/live/cam1/a.ts?token=t`)).status).toBe(200);
});

it('stop({ keep: true }) lets a response end, refuses others with Connection: close, and counts to the byte', async () => {
  const first = await start();
  const slow = await get(`${first.url}/live/cam1/slow.ts?token=t`);
  const stopping = first.tracker.stop({ keep: true });
  const refused = await new Promise<http.IncomingMessage>((resolve, reject) =>
    http
      .get(`${first.url}/live/cam1/b.ts?token=t`, { agent: new http.Agent({ keepAlive: true }) }, resolve)
      .on('error', reject),
  );
  refused.resume();
  expect([refused.statusCode, refused.headers.connection, refused.headers['retry-after']]).toEqual([503, 'close', '1']);
  first.finish();
  expect(await slow.text()).toBe('halfwhole');
  await stopping;
  const second = await start();
  await (await get(`${second.url}/live/cam1/c.ts?token=t`)).text();
  expect(second.tracker.list({ status: 'active' })).toMatchObject([{ id: idOf(first.tracker), bytes: 9 + 1000 }]);
});

it('the state file contains no token', async () => {
  const first = await start();
  await (await get(`${first.url}/live/cam1/a.ts?token=secret-0123456789`)).text();
  await fetch(`${first.url}/live/cam1/a.ts`, {
    headers: { authorization: 'Bearer bearer-0123456789', cookie: 'token=c' },
  });
  await first.tracker.saved();
  expect(readFileSync(file, 'utf8')).not.toContain('0123456789');
  expect(spawnSync('grep', ['-c', 'session/', file]).stdout.toString().trim()).toBe('2');
});
