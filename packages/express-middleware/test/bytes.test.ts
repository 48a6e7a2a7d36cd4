import fs from 'node:fs';
import http from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import compression from 'compression';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { type ConnectMiddleware, trackPlayback } from '../src/index.js';
import { FRAMEWORKS } from './support/apps.js';
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

const bytes = () => tracker.list({ stream: 'cam1' })[0]?.bytes;
const credited = (expected: number) => until(bytes, (seen) => seen === expected);
/** A handler that answers whatever is asked. */
const answering =
  (answer: (req: http.IncomingMessage, res: http.ServerResponse) => void): http.RequestListener =>
  (req, res) =>
    trackPlayback(tracker)(req, res, () => answer(req, res));

describe.each(Object.keys(FRAMEWORKS))('the bytes of completed responses under %s', (framework) => {
  const mount = FRAMEWORKS[framework]!;

  it.each(['/', '/media'])('are those of the files below %s', async (where) => {
    const { url } = await serve(
      mount(where, trackPlayback(tracker), express.static(media.folder) as ConnectMiddleware),
    );
    let sum = 0;
    for (const name of ['cam1/index.m3u8', 'cam1/seg0.ts', 'cam1/720p/seg1.ts', 'cam1/seg1.m4s', 'cam1/manifest.mpd']) {
      const answer = await get(url, path.posix.join(where, name));
      expect(answer.body).toHaveLength(FILES[name]!);
      sum += answer.body.length;
    }
    await credited(sum);
    expect(tracker.list()).toHaveLength(1);
  });

  it('leave out requests that are not for media or not a GET', async () => {
    const { url } = await serve(mount('/', trackPlayback(tracker), express.static(media.folder) as ConnectMiddleware));
    expect((await get(url, '/cam1/notes.txt')).status).toBe(200);
    expect((await get(url, '/cam1/seg0.ts', {}, { method: 'HEAD' })).status).toBe(200);
    await get(url, '/cam1/seg0.ts', {}, { method: 'OPTIONS' });
    await get(url, '/cam1/seg0.ts', {}, { method: 'POST' });
    expect(tracker.stats().openedTotal).toBe(0);
  });
});

describe('the bytes of a response', () => {
  it('are those of the range', async () => {
    const { url } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    const answer = await get(url, '/cam1/seg0.ts', { range: 'bytes=100-1099' });
    expect(answer.status).toBe(206);
    await credited(1000);
  });

  it('are 0 for 304, 404 and 416, which still count as hits', async () => {
    const { url } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    const { headers } = await get(url, '/cam1/seg0.ts');
    await credited(13_000);
    expect((await get(url, '/cam1/seg0.ts', { 'if-none-match': headers.etag! })).status).toBe(304);
    const missing = await get(url, '/cam1/gone.ts');
    expect(missing.status).toBe(404);
    expect(missing.body.length).toBeGreaterThan(0);
    expect((await get(url, '/cam1/seg0.ts', { range: 'bytes=99999-' })).status).toBe(416);
    expect(bytes()).toBe(13_000);
    await get(url, '/cam1/gone.ts', { 'user-agent': 'other' });
    expect(tracker.list()).toMatchObject([{ bytes: 13_000 }, { bytes: 0 }]);
    expect(tracker.list()[1]?.startedAt).toBeUndefined();
  });

  it('are those after compression', async () => {
    const app = express();
    app.use(trackPlayback(tracker), compression({ threshold: 0, filter: () => true }), express.static(media.folder));
    const { url } = await serve(app);
    const answer = await get(url, '/cam1/720p/seg1.ts', { 'accept-encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(zlib.gunzipSync(answer.body)).toHaveLength(150_001);
    await credited(answer.body.length);
  });

  it('are those of sendFile and send', async () => {
    const app = express();
    app.use(trackPlayback(tracker));
    app.get('/cam1/a.ts', (_req, res) => res.sendFile('cam1/seg0.ts', { root: media.folder }));
    app.get('/cam1/b.ts', (_req, res) => void res.send(Buffer.alloc(5000)));
    app.get('/cam1/c.m3u8', (_req, res) => void res.send('#EXTM3U ü\n'));
    const { url } = await serve(app);
    const answers = [await get(url, '/cam1/a.ts'), await get(url, '/cam1/b.ts'), await get(url, '/cam1/c.m3u8')];
    await credited(answers.reduce((sum, { body }) => sum + body.length, 0));
    expect(bytes()).toBe(13_000 + 5000 + 11);
  });

  it('are those of a piped stream, in chunks', async () => {
    const handler = answering((_req, res) => {
      Readable.from(Array.from({ length: 50 }, (_, i) => Buffer.alloc(i * 37))).pipe(res);
    });
    const { url } = await serve(handler);
    const answer = await get(url, '/cam1/seg0.ts');
    expect(answer.headers['transfer-encoding']).toBe('chunked');
    expect(answer.body).toHaveLength(37 * ((49 * 50) / 2));
    await credited(answer.body.length);
  });

  it('are those that a proxy passes on', async () => {
    const origin = await serve(express().use(express.static(media.folder)));
    const app = express().use(trackPlayback(tracker), createProxyMiddleware({ target: origin.url }));
    const { url } = await serve(app);
    expect((await get(url, '/cam1/720p/seg1.ts')).body).toHaveLength(150_001);
    await credited(150_001);
  });

  it('are counted however write() and end() are called', async () => {
    const called: string[] = [];
    const { url } = await serve(
      answering((_req, res) => {
        res.flushHeaders();
        res.write('äöü');
        res.write('c3a4', 'hex');
        res.write(new Uint8Array(10));
        res.write('latin ü', 'latin1', () => called.push('write'));
        res.end('dGVzdA==', 'base64', () => called.push('end'));
        res.end('too late');
        res.on('error', () => undefined);
      }),
    );
    const answer = await get(url, '/cam1/a.m3u8');
    expect(answer.body).toHaveLength(6 + 2 + 10 + 7 + 4);
    await credited(answer.body.length);
    expect(called).toEqual(['write', 'end']);
  });

  it('are counted for end(callback), an empty end, and a body that belongs to the headers', async () => {
    const { url } = await serve(
      answering((req, res) => {
        if (req.url === '/cam1/1.ts') res.end(() => undefined);
        else if (req.url === '/cam1/2.ts') res.writeHead(200, { 'content-length': 4 }).end(Buffer.from('four'));
        else if (req.url === '/cam1/3.ts') res.writeHead(204).end('nothing of this is sent');
        else res.end();
      }),
    );
    for (const n of [1, 2, 3, 4]) await get(url, `/cam1/${n}.ts`);
    await credited(4);
  });

  it('are counted after 100 Continue', async () => {
    const { url } = await serve(answering((_req, res) => res.end('hello')));
    await get(url, '/cam1/a.ts', { expect: '100-continue' });
    await credited(5);
  });

  it('belong to their own request on a keep-alive connection, and in a pipeline', async () => {
    const held: (() => void)[] = [];
    const { port } = await serve(
      answering((req, res) => {
        const size = Number(/\d+/.exec(req.url!.slice(5))![0]);
        const send = () => res.end(Buffer.alloc(size));
        if (req.url!.startsWith('/cam1')) held.push(send);
        else send(); // answered first, sent second
      }),
    );
    const client = await RawClient.connect(port);
    client.get('/cam1/1000.ts');
    client.get('/cam2/200000.ts');
    client.get('/cam3/30.ts');
    // of cam1 nothing is known yet
    await until(() => held.length === 1 && tracker.count() === 2);
    const each = () => ['cam1', 'cam2', 'cam3'].map((stream) => tracker.list({ stream })[0]?.bytes);
    expect(each()).toEqual([undefined, 0, 0]);
    held[0]!();
    await until(each, (all) => String(all) === '1000,200000,30');
    client.socket.destroy();
  });

  it('are counted once when the middleware is mounted twice', async () => {
    const app = express();
    app.use(trackPlayback(tracker));
    app.use('/live', trackPlayback(tracker), express.static(media.folder));
    const { url } = await serve(app);
    await get(url, '/live/cam1/seg0.ts');
    await credited(13_000);
    expect(tracker.count()).toBe(1);
  });

  it('are reported to each of two trackers', async () => {
    const other = createTracker();
    const { url } = await serve(
      express().use(trackPlayback(tracker), trackPlayback(other), express.static(media.folder)),
    );
    await get(url, '/cam1/seg0.ts');
    await credited(13_000);
    expect(other.list()).toMatchObject([{ bytes: 13_000 }]);
    await other.stop();
  });

  it('grow while a long response runs', async () => {
    let send: (size: number) => void = () => undefined;
    const { port } = await serve(
      answering((_req, res) => {
        send = (size) => void res.write(Buffer.alloc(size));
        send(1000);
      }),
    );
    const client = await RawClient.connect(port);
    client.get('/cam1/endless.ts');
    await credited(1000);
    send(70_000);
    await credited(71_000);
    expect(tracker.list()[0]?.startedAt).toBeDefined();
    client.socket.destroy();
    send(5);
  });

  it('are credited while a long file is sent', async () => {
    const big = path.join(media.folder, 'cam1', 'big.ts');
    fs.writeFileSync(big, Buffer.alloc(30_000_000));
    const { url } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    expect((await get(url, '/cam1/big.ts')).body).toHaveLength(30_000_000);
    await credited(30_000_000);
    fs.rmSync(big);
  });

  it('are counted without leaving a listener, timer or entry behind', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const { url, server } = await serve(express().use(trackPlayback(tracker), express.static(media.folder)));
    const sockets = new Set<Socket>();
    server.on('connection', (socket) => sockets.add(socket));
    await get(url, '/cam1/seg0.ts', {}, { agent });
    const [socket] = sockets;
    const listeners = () => socket!.eventNames().map((name) => [name, socket!.listenerCount(name)]);
    const before = listeners();
    for (let i = 0; i < 30; i++) await get(url, '/cam1/seg0.ts', {}, { agent });
    expect(sockets.size).toBe(1);
    expect(listeners()).toEqual(before);
    agent.destroy();
  });
});
