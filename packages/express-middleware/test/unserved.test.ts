import http from 'node:http';
import http2 from 'node:http2';
import path from 'node:path';
import compression from 'compression';
import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { concurrencyPolicy } from '@stream-sessions/policies';
import { type PlaybackRequest, trackPlayback, type TrackPlaybackOptions } from '../src/index.js';
import { FRAMEWORKS } from './support/apps.js';
import { get, RawClient, until } from './support/client.js';
import { mediaFolder } from './support/media.js';
import { closeServers, listen, serve } from './support/serve.js';

const { folder, remove } = mediaFolder();

let tracker: SessionTracker;
let told: string[];
beforeEach(() => {
  tracker = createTracker();
  told = [];
  tracker.on('opened', ({ session }) => told.push(`opened ${session.stream}`));
  tracker.on('closed', ({ session }) => told.push(`closed ${session.stream}`));
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});
afterAll(remove);

type Handler = (req: http.IncomingMessage, res: http.ServerResponse) => void;
const behind = (handler: Handler, options?: TrackPlaybackOptions) => {
  const track = trackPlayback(tracker, options);
  return serve((req: http.IncomingMessage, res: http.ServerResponse) => track(req, res, () => handler(req, res)));
};
const streams = () => tracker.list().map(({ stream }) => stream);

function expectNothing(): void {
  expect(tracker.list()).toEqual([]);
  expect(tracker.streams()).toEqual([]);
  expect(tracker.stats()).toMatchObject({ active: 0, openedTotal: 0, closedTotal: 0, viewers: 0, bytesTotal: 0 });
  expect(told).toEqual([]);
}

describe.each(Object.entries(FRAMEWORKS))('with %s', (_, app) => {
  it('a made-up name makes no viewer, and a file does', async () => {
    const { url } = await serve(app('/live', trackPlayback(tracker), express.static(folder) as never));
    for (const file of ['a/index.m3u8', 'b/seg.ts', 'c/x.mpd', 'c/x.m4s', 'cam1/../d/x.ts', 'd%20e/x.ts']) {
      expect((await get(url, `/live/${file}`)).status).toBe(404);
    }
    expectNothing();
    await get(url, '/live/cam1/seg0.ts');
    expect(told).toEqual(['opened cam1']);
    expect((await get(url, '/live/cam1/none.ts', { 'user-agent': 'other' })).status).toBe(404);
    expect(streams()).toEqual(['cam1', 'cam1']);
    expect(tracker.list()).toMatchObject([{ bytes: 13_000 }, { bytes: 0 }]);
  });
});

describe('the answer that makes a viewer', () => {
  it.each([200, 201, 206, 204, 301, 302, 307, 304])('may be %i', async (status) => {
    const { url } = await behind((_req, res) => void res.writeHead(status, { location: '/elsewhere' }).end());
    await get(url, '/cam1/a.ts');
    expect(streams()).toEqual(['cam1']);
  });

  it.each([400, 401, 403, 404, 410, 416, 429, 500, 502, 503, 504])(
    'is not %i, with or without a body',
    async (status) => {
      const { url } = await behind((req, res) => {
        res.statusCode = status;
        if (req.url?.includes('body')) res.write('sorry ');
        res.end(req.url?.includes('body') ? 'no' : undefined);
      });
      await get(url, '/cam1/a.ts');
      await get(url, '/cam1/body.ts');
      expectNothing();
      // and a viewer who was served is one all along
      expect(tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '127.0.0.1' })).not.toBeNull();
      await get(url, '/cam1/a.ts');
      expect(streams()).toEqual(['cam1']);
    },
  );

  it.each(['body', 'head'])('counts, if it takes time, from its %s', async (at) => {
    let more: (() => void) | undefined;
    const { url } = await behind((_req, res) => {
      res.writeHead(200);
      res.flushHeaders();
      more = () => void res.write('media');
    });
    const request = http.get(`${url}/cam1/a.ts`, (response) => void response.resume());
    await until(() => more);
    expectNothing();
    if (at === 'body') more?.();
    else await until(streams, ({ length }) => length > 0);
    expect(streams()).toEqual(['cam1']);
    if (at === 'head') more?.();
    await until(() => tracker.list()[0]?.bytes === 5);
    request.destroy();
  });

  it('counts if the client leaves after the headers, and not if it leaves before', async () => {
    const running: http.ServerResponse[] = [];
    const { port } = await behind((req, res) => {
      running.push(res);
      if (req.url?.includes('head')) res.writeHead(200).flushHeaders();
    });
    for (const file of ['cam1/none.ts', 'cam2/head.ts']) {
      const client = await RawClient.connect(port);
      client.get(`/${file}`);
      await until(() => running.length > 0 && (file.includes('none') || client.status === 200));
      const closed = new Promise((resolve) => running.pop()?.on('close', resolve));
      client.socket.destroy();
      await closed;
    }
    await until(streams, ([first]) => first === 'cam2');
    expect(tracker.count()).toBe(1);
  });

  it('may pass through compression and playlist rewriting', async () => {
    const app = express();
    const options = { viewerToken: { writeUrl: true } };
    app.use('/live', trackPlayback(tracker, options), compression({ threshold: 0 }), (req, res) => {
      if (req.url.includes('none')) return void res.status(404).send('#EXTM3U\n');
      res.type('application/vnd.apple.mpegurl').send('#EXTM3U\nseg1.ts\n');
    });
    const { url } = await serve(app);
    await get(url, '/live/cam1/none.m3u8?token=t', { 'accept-encoding': 'gzip' });
    expectNothing();
    await get(url, '/live/cam1/index.m3u8?token=t', { 'accept-encoding': 'gzip' });
    expect(streams()).toEqual(['cam1']);
  });

  it('may be one stream of many over HTTP/2', async () => {
    const track = trackPlayback(tracker);
    const server = http2.createServer((req, res) =>
      track(req, res, () => {
        res.statusCode = req.url.includes('none') ? 404 : 200;
        res.end('media');
      }),
    );
    const client = http2.connect(`http://127.0.0.1:${await listen(server)}`);
    const ask = (target: string) =>
      new Promise((resolve) => {
        const request = client.request({ ':path': target });
        request.resume().on('close', resolve);
      });
    await Promise.all(['/a/none.ts', '/b/none.ts', '/c/none.m3u8'].map(ask));
    expectNothing();
    await Promise.all(['/a/none.ts', '/a/seg.ts', '/a/none.ts'].map(ask));
    expect(streams()).toEqual(['a']);
    client.destroy();
  });
});

it('many requests at once for an unknown stream do not exceed a limit of one, and an error takes no place', async () => {
  await tracker.stop();
  tracker = createTracker({ policies: [concurrencyPolicy({ per: 'stream', max: 1 })] });
  const held: (() => void)[] = [];
  const { url } = await behind((req, res) => {
    if (req.url?.includes('none')) return void res.writeHead(404).end();
    held.push(() => void res.end('media'));
  });
  for (let i = 0; i < 5; i++) expect((await get(url, '/cam1/none.ts', { 'user-agent': `${i}` })).status).toBe(404);
  const all = Array.from({ length: 10 }, (_, i) => get(url, '/cam1/a.ts', { 'user-agent': `${i}` }));
  const refused = all.map(async (answer) => (await answer).status === 429);
  await Promise.race(refused);
  await until(() => held.length === 1);
  held[0]?.();
  expect((await Promise.all(refused)).filter((each) => each)).toHaveLength(9);
  expect(tracker.list()).toHaveLength(1);
});

it('a handler sees the session before anything is served, and may kick it', async () => {
  const kick = (req: PlaybackRequest): void => {
    expect(req.playSession).toMatchObject({ stream: 'cam1' });
    expect(tracker.tag(req.playSession?.id ?? '', { seen: 'yes' })).toBe(true);
    if (req.url?.includes('kick')) tracker.kick(req.playSession?.id ?? '');
  };
  const { url } = await behind((req, res) => (kick(req), void res.end('media')));
  await get(url, '/cam1/a.ts');
  expect(tracker.list()).toMatchObject([{ tags: { seen: 'yes' } }]);
  await tracker.stop();
  tracker = createTracker();
  const { url: again } = await behind((req, res) => (kick(req), void res.end('media')));
  await expect(get(again, '/cam1/kick.ts')).rejects.toThrow();
  expect((await get(again, '/cam1/a.ts')).status).toBe(403);
  expect(tracker.list()).toEqual([]);
});

describe('countErrors', () => {
  it('lists viewers who got nothing but errors, too', async () => {
    const { url } = await serve(express().use(trackPlayback(tracker, { countErrors: true }), express.static(folder)));
    await get(url, '/a/x.ts');
    expect(streams()).toEqual(['a']);
  });

  it.each<[string, TrackPlaybackOptions['hit'], string[]]>([
    ['a hit of its own', (_req, { stream, protocol, ip }) => ({ stream, protocol, ip }), []],
    ['a hit that nobody can change', (_req, hit) => Object.freeze({ ...hit }), []],
    ['a hit that says otherwise', (_req, hit) => ({ ...hit, tentative: false }), ['a']],
  ])('is also false for %s', async (_, hit, listed) => {
    const { url } = await serve(express().use(trackPlayback(tracker, { hit: hit! }), express.static(folder)));
    expect((await get(url, path.posix.join('/a', 'x.ts'))).status).toBe(404);
    expect(streams()).toEqual(listed);
  });

  it('has to be true or false', () => {
    const make = () => trackPlayback(tracker, { countErrors: 'no' as never });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  });
});
