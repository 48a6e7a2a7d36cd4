import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import compression from 'compression';
import express from 'express';
import fc from 'fast-check';
import { createProxyMiddleware } from 'http-proxy-middleware';
import supertest from 'supertest';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { type ConnectMiddleware, trackPlayback, type TrackPlaybackOptions } from '../src/index.js';
import { FRAMEWORKS } from './support/apps.js';
import { get, until } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

const MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n720p/index.m3u8\n';
const SEGMENTS = Array.from({ length: 60 }, (_, i) => `#EXTINF:4.000,\nseg${i}.ts\n`).join('');
const MEDIA = `#EXTM3U\n#EXT-X-TARGETDURATION:4\n${SEGMENTS}`;
const MPD = '<MPD><Period><AdaptationSet><SegmentTemplate media="$Number$.m4s"/></AdaptationSet></Period></MPD>';
const written = (playlist: string, token = 'me') => playlist.replace(/\.(ts|m3u8)$/gm, `.$1?tkn=${token}`);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stream-sessions-playlists-'));
fs.mkdirSync(path.join(folder, 'cam1/720p'), { recursive: true });
for (const [name, content] of Object.entries({
  'master.m3u8': MASTER,
  '720p/index.m3u8': MEDIA,
  'manifest.mpd': MPD,
  'seg0.ts': 'x'.repeat(13_000),
  'page.m3u8': '<html>no playlist</html>',
  'latin.m3u8': Buffer.from('#EXTM3U\nsch\u00f6n.ts\n', 'latin1'),
})) {
  fs.writeFileSync(path.join(folder, 'cam1', name), content);
}

const doorman: Policy = {
  name: 'doorman',
  stage: 'authorise',
  admit: ({ token }) =>
    token === 'me' ? { allow: true, userId: 'ann' } : { allow: false, reason: 'unauthorized', kind: 'credentials' },
};

let tracker: SessionTracker;
beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const always: TrackPlaybackOptions = { viewerToken: { writeUrl: true } };
const bytes = () => tracker.list({ stream: 'cam1' })[0]?.bytes;
/** A server whose handler is behind the middleware. */
const behind = (handler: http.RequestListener, options = always) => {
  const track = trackPlayback(tracker, options);
  return serve((req: http.IncomingMessage, res: http.ServerResponse) => track(req, res, () => handler(req, res)));
};
const staticApp = (options?: TrackPlaybackOptions) =>
  serve(express().use(trackPlayback(tracker, options), express.static(folder)));

describe('tokens in playlists', () => {
  it('are not written while nothing needs them: the response is unchanged', async () => {
    const { url } = await staticApp();
    const { url: bare } = await serve(express().use(express.static(folder)));
    const ask = async (server: string) => {
      const { status, text, headers } = await get(server, '/cam1/720p/index.m3u8?token=me', { range: 'bytes=0-9' });
      delete headers.date;
      return { status, text, headers };
    };
    expect(await ask(url)).toEqual(await ask(bare));
    expect((await ask(url)).status).toBe(206);
  });

  it('are written as soon as a policy authorises, and no longer when none does', async () => {
    const { url } = await staticApp();
    const ask = async () => (await get(url, '/cam1/720p/index.m3u8?token=me')).text;
    expect(await ask()).toBe(MEDIA);
    tracker.updateConfig({ policies: [doorman] });
    expect(await ask()).toBe(written(MEDIA));
    tracker.updateConfig({ policies: [] });
    expect(await ask()).toBe(MEDIA);
  });

  it('let a player follow the playlist that the policy would otherwise refuse', async () => {
    tracker.updateConfig({ policies: [doorman] });
    const { url } = await staticApp();
    const master = await get(url, '/cam1/master.m3u8?token=me');
    const child = master.text.split('\n')[2]!;
    const media = await get(url, `/cam1/${child}`);
    expect(media.text).toBe(written(MEDIA));
    expect((await get(url, '/cam1/seg0.ts?tkn=me')).status).toBe(200);
    expect((await get(url, '/cam1/seg0.ts')).status).toBe(401);
    expect((await get(url, '/cam1/seg0.ts?tkn=other')).status).toBe(401);
    expect(tracker.list({ status: 'active' })).toMatchObject([{ userId: 'ann', namedBy: 'token' }]);
  });

  it('are not written for a policy if switched off explicitly', async () => {
    tracker.updateConfig({ policies: [doorman] });
    const { url } = await staticApp({ viewerToken: { writeUrl: false } });
    expect((await get(url, '/cam1/720p/index.m3u8?token=me')).text).toBe(MEDIA);
  });

  it('stay in their cookie when a policy authorises, and are written from it only if switched on explicitly', async () => {
    tracker.updateConfig({ policies: [doorman] });
    const [auto, on] = [await staticApp(), await staticApp(always)];
    expect((await get(auto.url, '/cam1/720p/index.m3u8', { cookie: 'token=me' })).text).toBe(MEDIA);
    expect((await get(on.url, '/cam1/720p/index.m3u8', { cookie: 'token=me' })).text).toBe(written(MEDIA));
    expect((await get(auto.url, '/cam1/720p/index.m3u8?tkn=me', { cookie: 'token=me' })).text).toBe(written(MEDIA));
  });

  it('are written for a policy wherever the `hit` option takes them from', async () => {
    tracker.updateConfig({ policies: [doorman] });
    const { url } = await staticApp({ hit: (req, hit) => ({ ...hit, token: req.headers['x-viewer'] as string }) });
    expect((await get(url, '/cam1/720p/index.m3u8', { 'x-viewer': 'me' })).text).toBe(written(MEDIA));
  });

  it('may come from the `hit` option, and are not written for viewers without one', async () => {
    const { url } = await staticApp({
      ...always,
      hit: (req, hit) => ({ ...hit, token: req.headers['x-viewer'] as string }),
    });
    expect((await get(url, '/cam1/720p/index.m3u8', { 'x-viewer': 'a b' })).text).toBe(written(MEDIA, 'a%20b'));
    expect((await get(url, '/cam1/720p/index.m3u8')).text).toBe(MEDIA);
    expect((await get(url, '/cam1/720p/index.m3u8', { 'x-viewer': '' })).text).toBe(MEDIA);
  });

  it('have the names given by the options', async () => {
    const { url } = await staticApp({ viewerToken: { parameter: 'v.k', cookie: 'vk', writeUrl: true } });
    expect((await get(url, '/cam1/master.m3u8?v.k=1&token=me')).text).toContain('720p/index.m3u8?v.k=1\n');
    expect((await get(url, '/cam1/master.m3u8?token=me', { cookie: 'vk=2; tkn=3' })).text).toContain('?v.k=2\n');
    expect((await get(url, '/cam1/master.m3u8?token=me&vXk=1', { cookie: 'tkn=3' })).text).toBe(MASTER);
  });

  it('are written only into URIs of playlists with playlistsOnly', async () => {
    const { url } = await staticApp({ viewerToken: { writeUrl: true, playlistsOnly: true } });
    expect((await get(url, '/cam1/master.m3u8?tkn=me')).text).toBe(written(MASTER));
    expect((await get(url, '/cam1/720p/index.m3u8?tkn=me')).text).toBe(MEDIA);
  });

  it('leave segments as cacheable as they were', async () => {
    const { url } = await staticApp(always);
    const { headers } = await get(url, '/cam1/seg0.ts?tkn=me');
    expect(headers).toMatchObject({ 'cache-control': 'public, max-age=0', 'accept-ranges': 'bytes' });
    expect(headers.etag).toBeDefined();
    expect((await get(url, '/cam1/seg0.ts?tkn=me', { 'if-none-match': headers.etag! })).status).toBe(304);
  });

  it('stay on the origin that the client asked, directly or through a trusted proxy', async () => {
    const playlist = (host: string) => `#EXTM3U\nhttps://${host}/cam1/a.ts\n`;
    const app = express();
    app.set('trust proxy', 'loopback');
    app.use(trackPlayback(tracker, always), (req, res) => void res.send(playlist(req.query.host as string)));
    const { url } = await serve(app);
    const ask = async (host: string, headers: Record<string, string>) =>
      (await get(url, `/cam1/a.m3u8?tkn=me&host=${host}`, headers)).text.includes('tkn=');
    expect(await ask('media.example', { host: 'media.example' })).toBe(true);
    expect(await ask('cdn.example', { host: 'media.example' })).toBe(false);
    const forwarded = { host: 'inner', 'x-forwarded-host': 'media.example', 'x-forwarded-proto': 'https' };
    expect(await ask('media.example', forwarded)).toBe(true);
    app.set('trust proxy', false);
    expect(await ask('media.example', forwarded)).toBe(false);
  });
});

describe.each(Object.keys(FRAMEWORKS))('a written playlist under %s', (framework) => {
  const mount = FRAMEWORKS[framework]!;
  const app = (...handlers: ConnectMiddleware[]) =>
    mount('/media', trackPlayback(tracker, always), ...handlers, express.static(folder) as ConnectMiddleware);

  it('has the correct length, is not cached, and is counted as it was sent', async () => {
    const answer = await supertest(app()).get('/media/cam1/720p/index.m3u8?tkn=me').set('Accept-Encoding', 'identity');
    const body = written(MEDIA);
    expect(answer.status).toBe(200);
    expect(answer.text ?? answer.body.toString()).toBe(body);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'content-length': String(body.length) });
    for (const name of ['etag', 'last-modified', 'accept-ranges', 'content-encoding']) {
      expect(answer.headers).not.toHaveProperty(name);
    }
    await until(bytes, (seen) => seen === body.length);
  });

  it('is sent completely and afresh, whatever range or version was requested', async () => {
    const { url } = await serve(app());
    const headers = {
      range: 'bytes=0-9',
      'if-none-match': '*',
      'if-modified-since': new Date(Date.now() + 86_400_000).toUTCString(),
    };
    const answer = await get(url, '/media/cam1/720p/index.m3u8?tkn=me', headers);
    expect([answer.status, answer.text]).toEqual([200, written(MEDIA)]);
  });

  it.each([false, true])(
    'is compressed for clients that accept it (with compression behind: %s)',
    async (compressed) => {
      const { url } = await serve(app(...(compressed ? [compression({ threshold: 0 }) as ConnectMiddleware] : [])));
      const answer = await get(url, '/media/cam1/720p/index.m3u8?tkn=me', { 'accept-encoding': 'br, gzip;q=0.5' });
      expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
      expect(answer.headers['content-length']).toBe(String(answer.body.length));
      expect(zlib.gunzipSync(answer.body).toString()).toBe(written(MEDIA));
      await until(bytes, (seen) => seen === answer.body.length);
      const plain = await get(url, '/media/cam1/720p/index.m3u8?tkn=me', { 'accept-encoding': 'gzip;q=0, *' });
      expect(plain.text).toBe(written(MEDIA));
    },
  );

  it('may be a DASH manifest', async () => {
    const { url } = await serve(app());
    const answer = await get(url, '/media/cam1/manifest.mpd?token=me');
    expect(answer.text).toBe(MPD.replace('.m4s', '.m4s?tkn=me'));
  });

  it('answers HEAD without the length of the original', async () => {
    const { url } = await serve(app());
    const answer = await get(url, '/media/cam1/720p/index.m3u8?tkn=me', { 'if-none-match': '*' }, { method: 'HEAD' });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': expect.stringContaining('mpegurl'),
    });
    for (const name of ['etag', 'last-modified', 'accept-ranges', 'content-length']) {
      expect(answer.headers).not.toHaveProperty(name);
    }
    expect((await get(url, '/media/cam1/none.m3u8', {}, { method: 'HEAD' })).status).toBe(404);
    const segment = await get(url, '/media/cam1/seg0.ts', {}, { method: 'HEAD' });
    expect(segment.headers).toMatchObject({ 'content-length': '13000', 'accept-ranges': 'bytes' });
  });
});

describe('a playlist on its way to be written', () => {
  it.each<[string, http.RequestListener]>([
    ['in one piece', (_req, res) => void res.end(MEDIA)],
    [
      'in pieces, with callbacks',
      (_req, res) => void res.write(MEDIA.slice(0, 9), () => void res.end(MEDIA.slice(9), 'utf8', () => undefined)),
    ],
    ['by a stream', (_req, res) => void Readable.from([...MEDIA].map((each) => Buffer.from(each))).pipe(res)],
    [
      'with its head at once',
      (_req, res) => void res.writeHead(200, 'Fine', { 'Content-Length': MEDIA.length, ETag: '"x"' }).end(MEDIA),
    ],
    [
      'with a list of headers',
      (_req, res) =>
        void res.writeHead(200, ['Content-Length', String(MEDIA.length), 'X-A', '1', 'X-A', '2']).end(MEDIA),
    ],
    [
      'with its head flushed',
      (_req, res) => (res.setHeader('Content-Length', MEDIA.length), res.flushHeaders(), void res.end(MEDIA)),
    ],
    [
      'in chunks',
      (_req, res) => (res.setHeader('Transfer-Encoding', 'chunked'), res.write(Buffer.from(MEDIA)), void res.end()),
    ],
    ['in hexadecimal', (_req, res) => void res.end(Buffer.from(MEDIA).toString('hex'), 'hex')],
    [
      'with gzip that nobody asked for',
      (_req, res) => void res.setHeader('Content-Encoding', 'gzip').end(zlib.gzipSync(MEDIA)),
    ],
    ['with brotli', (_req, res) => void res.setHeader('Content-Encoding', 'br').end(zlib.brotliCompressSync(MEDIA))],
    ['with deflate', (_req, res) => void res.setHeader('Content-Encoding', 'deflate').end(zlib.deflateSync(MEDIA))],
    [
      'with caches of others in its head',
      (_req, res) => void res.setHeader('CDN-Cache-Control', 'max-age=9').end(MEDIA),
    ],
  ])('may be sent %s', async (_how, handler) => {
    const { url } = await behind(handler);
    const { text, headers } = await get(url, '/cam1/index.m3u8?tkn=me');
    expect(text).toBe(written(MEDIA));
    expect(headers).toMatchObject({ 'content-length': String(text.length), 'cache-control': 'no-store' });
    for (const name of ['content-encoding', 'transfer-encoding', 'etag', 'cdn-cache-control']) {
      expect(headers).not.toHaveProperty(name);
    }
    await until(bytes, (seen) => seen === text.length);
  });

  it('keeps its status message and repeated headers', async () => {
    const { url } = await behind((_req, res) => {
      res.writeHead(200, 'Fine', { 'Set-Cookie': ['a=1', 'b=2'], 'X-Kept': 'yes', Vary: 'Origin' }).end(MEDIA);
    });
    const { headers } = await get(url, '/cam1/index.m3u8?tkn=me', { 'accept-encoding': 'gzip' });
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-kept': 'yes', vary: 'Origin, Accept-Encoding' });
  });

  it.each<[string, Buffer, Record<string, string>]>([
    ['no playlist', Buffer.from('<html>'), {}],
    ['nothing', Buffer.alloc(0), {}],
    ['not UTF-8', Buffer.from('#EXTM3U\nsch\u00f6n.ts\n', 'latin1'), {}],
    ['in an encoding that nobody knows', Buffer.from(MEDIA), { 'Content-Encoding': 'zstd' }],
    ['in an encoding called like a method', Buffer.from(MEDIA), { 'Content-Encoding': 'constructor' }],
    ['in two encodings', zlib.gzipSync(zlib.gzipSync(MEDIA)), { 'Content-Encoding': 'gzip, gzip' }],
    ['broken gzip', zlib.gzipSync(MEDIA).subarray(0, 40), { 'Content-Encoding': 'gzip' }],
    ['a bomb', zlib.gzipSync(Buffer.alloc(5_000_000)), { 'Content-Encoding': 'gzip' }],
  ])('is passed on unchanged if it is %s', async (_what, body, headers) => {
    const playback = trackPlayback(tracker, always);
    const { url } = await serve((req: http.IncomingMessage, res: http.ServerResponse) =>
      playback(req, res, () => void res.writeHead(200, { ETag: '"x"', ...headers }).end(body)),
    );
    const answer = await get(url, '/cam1/index.m3u8?tkn=me', { 'accept-encoding': 'gzip' });
    expect(answer.body).toEqual(body);
    expect(answer.headers).toMatchObject({ etag: '"x"', 'content-length': String(body.length) });
    expect(answer.headers['content-encoding']).toBe(headers['Content-Encoding']);
    expect(playback.playlists).toEqual({ written: 0, tooLong: 0, unreadable: 1 });
  });

  it.each([201, 206, 304, 404, 500])('is passed on as it came with a status of %d', async (status) => {
    const { url } = await behind(
      (_req, res) => void res.writeHead(status, { ETag: '"x"' }).end(status === 304 ? '' : MEDIA),
    );
    const answer = await get(url, '/cam1/index.m3u8?tkn=me');
    expect([answer.status, answer.text, answer.headers.etag]).toEqual([status, status === 304 ? '' : MEDIA, '"x"']);
  });

  it('is passed on completely as it arrives if it is too long, and counted', async () => {
    const piece = Buffer.from(`#EXTM3U\n${'#'.repeat(99_991)}\n`);
    const playback = trackPlayback(tracker, always);
    const { url } = await serve((req: http.IncomingMessage, res: http.ServerResponse) =>
      playback(req, res, () => void Readable.from(Array.from({ length: 100 }, () => piece)).pipe(res)),
    );
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation();
    for (let i = 0; i < 2; i++) {
      const answer = await get(url, '/cam1/index.m3u8?tkn=me');
      expect(answer.body.equals(Buffer.concat(Array.from({ length: 100 }, () => piece)))).toBe(true);
    }
    expect(warn.mock.calls).toEqual([[expect.not.stringContaining('tkn'), expect.anything()]]);
    expect(warn.mock.calls[0]![1]).toMatchObject({ code: 'STREAM_SESSIONS_PLAYLIST_TOO_LONG' });
    expect(playback.playlists).toEqual({ written: 0, tooLong: 2, unreadable: 0 });
    await until(bytes, (seen) => seen === 2 * 100 * piece.length);
  });

  it('is requested uncompressed from a proxy, whatever the client accepts', async () => {
    const seen: http.IncomingHttpHeaders[] = [];
    const upstream = await serve(
      express().use(
        (req, _res, next) => (seen.push(req.headers), next()),
        compression({ threshold: 0 }),
        express.static(folder),
      ),
    );
    const proxy = createProxyMiddleware({ target: upstream.url });
    const { url } = await serve(express().use(trackPlayback(tracker, always), proxy));
    const headers = { 'accept-encoding': 'gzip', range: 'bytes=0-1', 'if-none-match': '*', accept: 'a/b' };
    const answer = await get(url, '/cam1/720p/index.m3u8?tkn=me', headers);
    expect(zlib.gunzipSync(answer.body).toString()).toBe(written(MEDIA));
    expect(seen[0]).toMatchObject({ accept: 'a/b' });
    for (const name of ['accept-encoding', 'range', 'if-none-match']) expect(seen[0]).not.toHaveProperty(name);
    await until(bytes, (sent) => sent === answer.body.length);
  });

  it('does no harm if its client has left or it never arrives', async () => {
    let ended: (() => void) | undefined;
    const { url } = await behind((req, res) => {
      if (req.url === '/other') return void res.end();
      res.write(MEDIA.slice(0, 10));
      ended = () => void res.end(MEDIA.slice(10));
    });
    const request = http.get(`${url}/cam1/index.m3u8?tkn=me`);
    request.on('error', () => undefined);
    await until(() => ended);
    request.destroy();
    await until(() => tracker.list()[0]);
    ended!();
    expect((await get(url, '/other')).status).toBe(200);
  });

  it.each([true, false])(
    'becomes an error page if it fails, or breaks off once it has begun (begun: %s)',
    async (begun) => {
      const app = express().use(trackPlayback(tracker, always), (_req, res, next) => {
        if (begun) res.writeHead(200, { 'Content-Length': MEDIA.length }).write(MEDIA.slice(0, 10));
        else res.setHeader('Content-Length', MEDIA.length);
        expect(res.headersSent).toBe(begun);
        next(Object.assign(new Error('the disk is gone'), { status: 502 }));
      });
      app.use(((error, _req, res, next) => {
        if (res.headersSent) next(error);
        else res.status(502).send('sorry');
      }) satisfies express.ErrorRequestHandler);
      const quiet = jest.spyOn(console, 'error').mockImplementation();
      const { url } = await serve(app);
      const answer = get(url, '/cam1/index.m3u8?tkn=me');
      if (begun) await expect(answer).rejects.toThrow('socket hang up');
      else expect(await answer).toMatchObject({ status: 502, text: 'sorry' });
      quiet.mockRestore();
    },
  );

  it('is the same however it is sent, compressed and requested', async () => {
    let handler: http.RequestListener = () => undefined;
    const { url } = await behind((req, res) => handler(req, res));
    const codings = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, deflate: zlib.deflateSync } as const;
    const way = fc.record({
      cuts: fc.array(fc.nat(MEDIA.length)),
      coding: fc.constantFrom(undefined, ...(Object.keys(codings) as (keyof typeof codings)[])),
      head: fc.constantFrom('none', 'writeHead', 'flush'),
      tellsLength: fc.boolean(),
      waits: fc.boolean(),
      accepts: fc.constantFrom('', 'gzip', 'identity', 'br', '*;q=0', 'gzip;q=0.001, *;q=0'),
    });
    await fc.assert(
      fc.asyncProperty(way, async ({ cuts, coding, head, tellsLength, waits, accepts }) => {
        const body = coding === undefined ? Buffer.from(MEDIA) : codings[coding](MEDIA);
        const places = [0, ...cuts.map((cut) => Math.min(cut, body.length)).sort((a, b) => a - b), body.length];
        handler = async (_req, res) => {
          if (coding !== undefined) res.setHeader('content-encoding', coding);
          if (tellsLength) res.setHeader('Content-Length', body.length);
          if (head === 'writeHead') res.writeHead(200);
          if (head === 'flush') res.flushHeaders();
          for (const [i, place] of places.slice(0, -1).entries()) {
            res.write(body.subarray(place, places[i + 1]));
            if (waits) await new Promise(setImmediate);
          }
          res.end();
        };
        const answer = await get(url, '/cam1/index.m3u8?tkn=me', { 'accept-encoding': accepts });
        const packed = accepts.startsWith('gzip');
        expect(answer.headers['content-encoding']).toBe(packed ? 'gzip' : undefined);
        expect(answer.headers['content-length']).toBe(String(answer.body.length));
        expect((packed ? zlib.gunzipSync(answer.body) : answer.body).toString()).toBe(written(MEDIA));
      }),
      { numRuns: 150 },
    );
  });

  it('is neither compressed twice nor broken by compression in front', async () => {
    const app = express().use(compression({ threshold: 0 }), trackPlayback(tracker, always), express.static(folder));
    const { url } = await serve(app);
    const answer = await get(url, '/cam1/720p/index.m3u8?tkn=me', { 'accept-encoding': 'gzip' });
    expect(zlib.gunzipSync(answer.body).toString()).toBe(written(MEDIA));
    expect((await get(url, '/cam1/720p/index.m3u8?tkn=me')).text).toBe(written(MEDIA));
  });

  it('is cut if its viewer is kicked while it is collected', async () => {
    const { url } = await behind((_req, res) => void res.write(MEDIA.slice(0, 10)));
    const request = http.get(`${url}/cam1/index.m3u8?tkn=me`);
    const cut = new Promise((resolve) => request.on('error', resolve));
    await until(() => tracker.list()[0]);
    tracker.kick(tracker.list()[0]!.id);
    await cut;
    expect(tracker.list()).toMatchObject([{ closeReason: 'kicked', bytes: 0 }]);
  });

  it('may be written by two trackers, one after the other', async () => {
    const other = createTracker();
    const app = express().use(trackPlayback(tracker, always), trackPlayback(other, always), express.static(folder));
    const { url } = await serve(app);
    const answer = await get(url, '/cam1/720p/index.m3u8?tkn=me', { 'accept-encoding': 'gzip' });
    expect(zlib.gunzipSync(answer.body).toString()).toBe(written(MEDIA));
    await until(
      () => [bytes(), other.list()[0]?.bytes],
      (sums) => sums.every((sum) => sum === answer.body.length),
    );
    await other.stop();
  });
});
