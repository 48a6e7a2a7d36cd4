import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import cors from 'cors';
import express from 'express';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback, type TrackPlaybackOptions } from '../src/index.js';
import { get } from './support/client.js';
import { closeServers, listen, serve } from './support/serve.js';

const doorman: Policy = {
  name: 'doorman',
  stage: 'authorise',
  admit: ({ token }) => (token === 'abc' ? { allow: true } : { allow: false, reason: 'unauthorized' }),
};
const MEDIA = 'media'.repeat(10_000);
const OTHERS = http.METHODS.filter((method) => !['GET', 'HEAD', 'OPTIONS', 'CONNECT'].includes(method));
let tracker: SessionTracker;

beforeEach(() => {
  tracker = createTracker({ policies: [doorman] });
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

/** A handler that looks at no method, in several pieces and with a length. */
const careless = (res: http.ServerResponse | http2.Http2ServerResponse) => {
  res.setHeader('Content-Length', MEDIA.length);
  res.setHeader('X-Handler', 'careless');
  (res as http.ServerResponse).write(MEDIA.slice(0, 1000));
  (res as http.ServerResponse).end(MEDIA.slice(1000));
};
const plain = (options: TrackPlaybackOptions = {}) => {
  const playback = trackPlayback(tracker, options);
  return serve((req: http.IncomingMessage, res: http.ServerResponse) => playback(req, res, () => careless(res)));
};

describe('a request for media with a method other than GET', () => {
  it('is answered 405 with Allow, whatever the handler does, and counts nobody', async () => {
    const { url } = await plain();
    expect(OTHERS.length).toBeGreaterThan(29);
    for (const method of OTHERS) {
      const answer = await get(url, '/cam1/seg0.ts?token=abc', {}, { method });
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'GET, HEAD, OPTIONS']);
    }
    expect(tracker.stats().openedTotal).toBe(0);
  });

  it('is refused without policies too, so that a kicked viewer cannot use it', async () => {
    await tracker.stop();
    tracker = createTracker();
    const { url } = await plain();
    expect((await get(url, '/cam1/seg0.ts')).text).toBe(MEDIA);
    tracker.kick(tracker.list()[0]!.id);
    for (const method of ['POST', 'PROPFIND', 'QUERY']) {
      expect((await get(url, '/cam1/seg0.ts', {}, { method })).status).toBe(405);
    }
  });

  it('gets no body with HEAD and OPTIONS, which handlers answer as they like', async () => {
    const { url } = await plain();
    for (const method of ['HEAD', 'OPTIONS']) {
      const answer = await get(url, '/cam1/seg0.ts', {}, { method });
      expect(answer).toMatchObject({ status: 200, text: '', headers: { 'x-handler': 'careless' } });
    }
    expect((await get(url, '/cam1/seg0.ts')).status).toBe(403);
  });

  it('passes if it is not for media', async () => {
    const { url } = await plain();
    for (const method of ['POST', 'OPTIONS', 'PUT']) {
      expect((await get(url, '/cam1/notes.txt', {}, { method })).text).toBe(MEDIA);
    }
    expect((await get(url, '/x%5cseg0.ts', {}, { method: 'POST' })).status).toBe(400);
  });

  it('passes if a callback lets it', async () => {
    const { url } = await plain({ hit: (req, hit) => (req.method === 'PUT' ? null : hit) });
    expect((await get(url, '/cam1/seg0.ts', {}, { method: 'PUT' })).text).toBe(MEDIA);
    expect((await get(url, '/cam1/seg0.ts', {}, { method: 'POST' })).status).toBe(405);
    const other = await plain({ stream: (req) => (req.url?.startsWith('/upload') ? null : 'cam1') });
    expect((await get(other.url, '/upload/a.mp4', {}, { method: 'POST' })).text).toBe(MEDIA);
    expect((await get(other.url, '/cam1/a.mp4', {}, { method: 'POST' })).status).toBe(405);
  });

  it('is treated the same over HTTP/2, where a method may be any word', async () => {
    const playback = trackPlayback(tracker);
    const server = http2.createServer((req, res) => playback(req, res, () => careless(res)));
    await listen(server);
    const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const ask = async (method: string) => {
      const stream = client.request({ ':path': '/cam1/seg0.ts', ':method': method });
      let [status, bytes] = [0, 0];
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('data', (data: Buffer) => (bytes += data.length)).on('error', () => undefined);
      stream.end();
      await new Promise((resolve) => stream.on('close', resolve));
      return [method, status, bytes > 100];
    };
    for (const method of [...OTHERS, 'get', 'PLAY']) expect(await ask(method)).toEqual([method, 405, false]);
    for (const method of ['HEAD', 'OPTIONS']) expect(await ask(method)).toEqual([method, 200, false]);
    expect(await ask('GET')).toEqual(['GET', 403, false]);
    client.destroy();
  });
});

describe('a preflight', () => {
  const asked = { origin: 'https://player.example', 'access-control-request-method': 'GET' };

  it.each(['before', 'behind'])('is answered by cors() %s the middleware', async (place) => {
    const app = express();
    if (place === 'before') app.use(cors());
    app.use('/live', trackPlayback(tracker));
    if (place === 'behind') app.use(cors());
    app.use((_req, res) => careless(res));
    const { url } = await serve(app);
    const answer = await get(url, '/live/cam1/seg0.ts', asked, { method: 'OPTIONS' });
    expect(answer).toMatchObject({ status: 204, text: '', headers: { 'access-control-allow-origin': '*' } });
    const refused = await get(url, '/live/cam1/seg0.ts', asked);
    expect(refused.status).toBe(403);
    // the player can read why only if the answer has the header too
    expect(refused.headers['access-control-allow-origin']).toBe(place === 'before' ? '*' : undefined);
  });

  it('that has a body is answered without one', async () => {
    const app = express();
    app.use(trackPlayback(tracker));
    app.options('/*any', (_req, res) => void res.status(200).set('Access-Control-Allow-Origin', '*').send('fine'));
    const { url } = await serve(app);
    const answer = await get(url, '/cam1/seg0.ts', asked, { method: 'OPTIONS' });
    expect(answer).toMatchObject({ status: 200, text: '', headers: { 'access-control-allow-origin': '*' } });
  });
});

describe('a file of a kind that does not count by default', () => {
  const GUARDED = [
    'sound.aac',
    'sound.m4a',
    'film.webm',
    'de.vtt',
    'enc.key',
    'list.m3u',
    'video.cmfv',
    'DE.VTT',
    'a%2Ekey',
  ];

  it.each(GUARDED)('is judged while a policy authorises: %s', async (file) => {
    const { url } = await plain();
    expect((await get(url, `/cam1/${file}`)).status).toBe(403);
    expect(await get(url, `/cam1/${file}?token=abc`)).toMatchObject({ status: 200 });
    expect(tracker.list()).toMatchObject([{ stream: 'cam1' }]);
  });

  it('passes uncounted if no policy authorises', async () => {
    await tracker.stop();
    tracker = createTracker();
    const { url } = await plain();
    for (const file of GUARDED) expect((await get(url, `/cam1/${file}`)).text).toBe(MEDIA);
    expect(tracker.stats().openedTotal).toBe(0);
    tracker.updateConfig({ policies: [doorman] });
    expect((await get(url, '/cam1/enc.key')).status).toBe(403);
  });

  it('passes if the options say that it is not media', async () => {
    const { url } = await plain({ extensions: { '.vtt': false, '.mp4': false, '.jpg': 'hls' } });
    for (const file of ['de.vtt', 'trailer.mp4']) expect((await get(url, `/cam1/${file}`)).text).toBe(MEDIA);
    for (const file of ['thumb.jpg', 'seg0.ts', 'enc.key']) expect((await get(url, `/cam1/${file}`)).status).toBe(403);
  });

  it('that is an old playlist has the token written into it', async () => {
    const playback = trackPlayback(tracker);
    const { url } = await serve((req: http.IncomingMessage, res: http.ServerResponse) =>
      playback(req, res, () => res.end('#EXTM3U\na.mp3\n')),
    );
    expect((await get(url, '/cam1/list.m3u?token=abc')).text).toBe('#EXTM3U\na.mp3?tkn=abc\n');
  });
});

describe('a file without a stream', () => {
  it('is refused while a policy authorises, and passes otherwise', async () => {
    const { url } = await plain();
    for (const path of ['/seg0.ts?token=abc', '/x/../seg0.ts', '/live/../seg0.ts', 'http://h/seg0.ts', '/enc.key']) {
      expect(await get(url, path)).toMatchObject({ status: 403, headers: { 'cache-control': 'no-store' } });
    }
    tracker.updateConfig({ policies: [] });
    expect((await get(url, '/seg0.ts')).text).toBe(MEDIA);
    expect(tracker.stats().openedTotal).toBe(0);
  });

  it('is refused if a function returns undefined, and passes if it returns null', async () => {
    const known: Record<string, string | null> = { '/a.ts': 'cam1', '/b.ts': null };
    const { url } = await plain({ stream: (req) => known[req.url?.split('?')[0] ?? ''] });
    expect((await get(url, '/a.ts?token=abc')).text).toBe(MEDIA);
    expect((await get(url, '/b.ts')).text).toBe(MEDIA);
    expect((await get(url, '/c.ts?token=abc')).status).toBe(403);
  });

  it('gets one from a router parameter, however the path climbs', async () => {
    const app = express();
    const playback = trackPlayback(tracker, { stream: (req: express.Request) => req.params.code as string });
    app.get('/hls/:code/:file', playback, (_req, res) => careless(res));
    const { url } = await serve(app);
    for (const code of ['cam1', '%2fcam1', '.%2fcam1']) {
      expect((await get(url, `/hls/${code}/seg0.ts?token=abc`)).status).toBe(200);
    }
    expect(tracker.list().map(({ stream }) => stream)).toEqual(['cam1']);
    for (const code of ['x%2f..%2fcam1', '..%2fcam1', 'x%5c..%5ccam1']) {
      expect((await get(url, `/hls/${code}/seg0.ts?token=abc`)).status).toBe(400);
    }
  });

  it('gets that of the mount, in absolute targets and in connect too; an unreadable mount is refused', async () => {
    const connect = (await import('connect')).default;
    const app = connect();
    app.use('/live/cam1', trackPlayback(tracker) as never);
    app.use((_req: http.IncomingMessage, res: http.ServerResponse) => careless(res));
    const { url } = await serve(app);
    for (const path of ['/live/cam1/seg0.ts', 'http://h/live/cam1/seg0.ts', '/LIVE/CAM1/seg0.ts']) {
      expect((await get(url, `${path}?token=abc`)).status).toBe(200);
    }
    expect(tracker.list().map(({ stream }) => stream)).toEqual(['cam1']);

    const routed = express();
    routed.use('/:code', trackPlayback(tracker), (_req, res) => careless(res));
    const other = await serve(routed);
    expect((await get(other.url, '/cam1/seg0.ts?token=abc')).status).toBe(200);
    for (const code of ['a%5cb', 'x%2f..%2fcam1', 'a;b']) {
      expect((await get(other.url, `/${code}/seg0.ts?token=abc`)).status).toBe(400);
    }
    expect(tracker.list().map(({ stream }) => stream)).toEqual(['cam1']);
  });
});
