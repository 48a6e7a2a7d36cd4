import path from 'node:path';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import serveStatic from 'serve-static';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { type ConnectMiddleware, trackPlayback } from '../src/index.js';
import http from 'node:http';
import { get, RawClient, until } from './support/client.js';
import { FILES, mediaFolder } from './support/media.js';
import { closeServers, serve } from './support/serve.js';

const media = mediaFolder();
let tracker: SessionTracker;

beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});
afterAll(() => media.remove());

type App = (guard: ConnectMiddleware) => object;
const pass: ConnectMiddleware = (_req, _res, next) => next();

/** `decoded` names are what routers hand to a handler that serves files itself. */
const sendFileApp = (make: typeof express) => (guard: ConnectMiddleware) => {
  const app = make();
  app.use(guard);
  app.get('/:stream/:file', (req, res) => {
    res.sendFile(req.params.file, { root: path.join(media.folder, req.params.stream) });
  });
  app.get('/:file', (req, res) => res.sendFile(req.params.file, { root: media.folder }));
  return app;
};
const wholePathApp = (make: typeof express) => (guard: ConnectMiddleware) => {
  const app = make();
  app.use(guard, (req, res) => res.sendFile(decodeURIComponent(req.path), { root: media.folder }));
  return app;
};
const mountedApp = (make: typeof express, guardAt: string) => (guard: ConnectMiddleware) => {
  const app = make();
  app.use(guardAt, guard);
  app.use('/live', make.static(media.folder));
  return app;
};
const SERVERS: Record<string, App> = {
  'Express 5 static': (guard) => express().use(guard, express.static(media.folder)),
  'Express 4 static': (guard) => express4().use(guard, express4.static(media.folder)),
  'Express 5 sendFile': sendFileApp(express),
  'Express 4 sendFile': sendFileApp(express4),
  'Express 5 sendFile of the path': wholePathApp(express),
  'Express 4 sendFile of the path': wholePathApp(express4),
  'connect and serve-static': (guard) =>
    connect()
      .use(guard as never)
      .use(serveStatic(media.folder) as never),
};
const MOUNTED: Record<string, App> = {
  'Express 5 at the mount': mountedApp(express, '/live'),
  'Express 4 at the mount': mountedApp(express4, '/live'),
  'Express 5 guarded at the root': mountedApp(express, '/'),
  'Express 4 guarded at the root': mountedApp(express4, '/'),
};

const escaped = (text: string) => [...text].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');

/** Spellings of cam1/seg0.ts: every one that some server might serve as that file. */
function spellings(): string[] {
  const streams = ['cam1', '%63am1', '%63%61%6D%31', escaped('cam1'), 'c%61m1', 'CAM1', 'cam1.', 'cam1%20'];
  const files = [
    'seg0.ts',
    'seg0%2Ets',
    'seg0%2ets',
    'seg0.t%73',
    '%73eg0.ts',
    escaped('seg0.ts'),
    'seg0.TS',
    'seg0.ts%00',
  ];
  const prefixes = [
    '/',
    '//',
    '///',
    '/./',
    '/x/../',
    '/x/..//',
    '/%2e/',
    '/x/%2e%2e/',
    '/x%2F..%2F',
    '/../',
    '/cam1/../',
    '/cam2/..%2f',
  ];
  prefixes.push('/%2F', '/.%2F', '/x/y/../../', '/%2e%2e/', '/\\', '/x\\..\\', '/..%5c', '/live/../', '/LIVE/../');
  const separators = ['/', '//', '/./', '%2F', '%2f', '/x/../', '\\', '%5C', '/%2E/', '%2F%2F', '%2Fx%2F..%2F', '/;/'];
  const ends = [
    '',
    '/',
    '?',
    '?x=/../y',
    '#',
    '#/x',
    ';',
    '%20',
    '.',
    '%2F',
    '/.',
    '%23',
    '%3F',
    '?%2e',
    '%',
    '::$DATA',
  ];
  const all = new Set<string>();
  for (const prefix of prefixes) {
    for (const stream of streams) all.add(`${prefix}${stream}/seg0.ts`);
    for (const separator of separators) all.add(`${prefix}cam1${separator}seg0.ts`);
  }
  for (const end of ends) {
    for (const file of files) all.add(`/cam1/${file}${end}`);
    for (const separator of separators) all.add(`/cam1${separator}seg0.ts${end}`);
    for (const prefix of prefixes) all.add(`${prefix}cam1/seg0.ts${end}`);
  }
  const hosts = ['http://h', 'HTTP://h:80', 'https://user@h', 'http://h/x/..', 'http://h\\x\\..', 'http://h:99999'];
  for (const host of hosts) {
    for (const separator of separators) all.add(`${host}/cam1${separator}seg0.ts`);
    all.add(`${host}//cam1/seg0.ts`);
    all.add(`${host}/%63am1/seg0%2ets#x`);
  }
  return [...all];
}

/** Many requests over few connections, each target as it is. */
async function ask(url: string, targets: readonly string[]): Promise<Map<string, { status: number; size: number }>> {
  const answers = new Map<string, { status: number; size: number }>();
  const queue = [...targets];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const worker = async () => {
    for (let target = queue.pop(); target !== undefined; target = queue.pop()) {
      const { status, body } = await get(url, target, { 'user-agent': 'spelling' }, { agent }).catch(() => ({
        status: 0,
        body: [],
      }));
      answers.set(target, { status, size: body.length });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  agent.destroy();
  return answers;
}

const SIZE = FILES['cam1/seg0.ts'];
const isTheFile = (answer: { status: number; size: number }) => answer.status === 200 && answer.size === SIZE;

async function check(makeApp: App, targets: readonly string[]): Promise<number> {
  const bare = await ask((await serve(makeApp(pass))).url, targets);
  const served = targets.filter((target) => isTheFile(bare.get(target)!));

  const { url } = await serve(makeApp(trackPlayback(tracker)));
  const honest = await ask(url, served);
  const played = served.filter((target) => isTheFile(honest.get(target)!));
  // what other servers would read as another file
  expect(new Set(served.map((target) => honest.get(target)!.status))).toEqual(new Set([200, 400]));
  await until(
    () => tracker.list({ stream: 'cam1' })[0]?.bytes,
    (bytes) => bytes === played.length * SIZE!,
  );
  expect(tracker.list().map(({ stream }) => stream)).toEqual(['cam1']);

  tracker.kick(tracker.list()[0]!.id);
  const kicked = await ask(url, targets);
  expect(targets.filter((target) => isTheFile(kicked.get(target)!))).toEqual([]);
  expect(new Set(served.map((target) => kicked.get(target)!.status))).toEqual(new Set([403, 400]));
  expect(new Set(played.map((target) => kicked.get(target)!.status))).toEqual(new Set([403]));
  return played.length;
}

describe('every spelling that serves a file is one stream, one session, one verdict', () => {
  it.each(Object.keys(SERVERS))(
    '%s',
    async (name) => {
      expect(await check(SERVERS[name]!, spellings())).toBeGreaterThan(20);
    },
    60_000,
  );

  it.each(Object.keys(MOUNTED))('%s', async (name) => {
    const targets = spellings().flatMap((spelling) =>
      spelling.startsWith('/') ? [`${spelling.length % 2 ? '/live' : '/LIVE'}${spelling}`] : [],
    );
    expect(await check(MOUNTED[name]!, targets)).toBeGreaterThan(20);
  });

  it('a method in lower case is not a GET', async () => {
    const { port } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    const client = await RawClient.connect(port);
    client.socket.write('get /cam1/seg0.ts HTTP/1.1\r\nHost: h\r\n\r\n');
    await until(() => client.status !== 0 || client.ended);
    expect(client.status).toBe(400);
    client.socket.destroy();
  });
});
