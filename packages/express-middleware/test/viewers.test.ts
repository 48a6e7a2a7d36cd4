import http from 'node:http';
import express, { type Request } from 'express';
import { createTracker, type HttpHit, type SessionTracker } from '@stream-sessions/core';
import {
  hitFromRequest,
  type PlaybackRequest,
  trackPlayback,
  trackStream,
  type TrackPlaybackOptions,
} from '../src/index.js';
import { get, RawClient, until } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;

beforeEach(() => {
  tracker = createTracker({ exposeTokens: true });
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const player = (options: TrackPlaybackOptions = {}) =>
  serve(express().use(trackPlayback(tracker, options), (_req, res) => void res.send('media')));
const only = () => {
  expect(tracker.list()).toHaveLength(1);
  return tracker.list()[0]!;
};
const cmcd = (text: string) => `CMCD=${encodeURIComponent(text)}`;

describe('what tells viewers apart', () => {
  it.each([
    ['/cam1/a.m3u8?token=abc', {}, 'abc'],
    ['/cam1/a.m3u8?x=1&tkn=abc', {}, 'abc'],
    ['/cam1/a.m3u8?tkn=second&token=abc', {}, 'abc'],
    ['/cam1/a.m3u8?token=a%2Fb%20c', {}, 'a/b c'],
    ['/cam1/a.m3u8', { cookie: 'token=abc' }, 'abc'],
    ['/cam1/a.m3u8', { cookie: 'a=1; tkn="abc"; b=2' }, 'abc'],
    ['/cam1/a.m3u8', { cookie: 'xtoken=no; token=a%2Fb' }, 'a/b'],
    ['/cam1/a.m3u8', { cookie: 'tkn=second; token=abc' }, 'abc'],
    ['/cam1/a.m3u8?token=url', { cookie: 'token=cookie' }, 'url'],
    ['/cam1/a.m3u8?tkn=url', { cookie: 'token=cookie' }, 'url'],
    ['/cam1/a.m3u8?token=', { cookie: 'token=cookie' }, 'cookie'],
    ['/cam1/a.m3u8?token=a&token=b', { cookie: 'token=cookie' }, 'cookie'],
    ['/cam1/a.m3u8?token=a&token=b&tkn=c', {}, 'c'],
    ['/cam1/a.m3u8?token=a&x=1&token=a', {}, 'a'],
    ['/cam1/a.m3u8', { cookie: 'token=a; token="a"' }, 'a'],
  ])('reads the token of %s with %j', async (path, headers: Record<string, string>, token) => {
    const { url } = await player();
    await get(url, path, headers);
    expect(only()).toMatchObject({ token, namedBy: 'token' });
  });

  it.each([
    ['/cam1/a.m3u8?token=', {}],
    ['/cam1/a.m3u8?token=a&token=b', {}],
    ['/cam1/a.m3u8?token[]=a', {}],
    ['/cam1/a.m3u8', { cookie: 'token=' }],
    ['/cam1/a.m3u8', { cookie: 'token=a; token=b' }],
    ['/cam1/a.m3u8', { cookie: 'xtoken=a; tokens=b; x=token=c' }],
    ['/cam1/a.m3u8', { cookie: 'token=%zz' }],
    ['/cam1/a.m3u8', { cookie: '; ;;token; =;' }],
  ])('finds no token in %s with %j', async (path, headers: Record<string, string>) => {
    const { url } = await player();
    await get(url, path, headers);
    expect(only()).toMatchObject({ namedBy: 'fingerprint' });
  });

  it.each([
    [`/cam1/a.m3u8?${cmcd('br=3200,sid="abc-1",ot=v')}`, {}],
    [`/cam1/a.m3u8?x=1&${cmcd('sid="abc-1"')}&y=2`, {}],
    [`/cam1/a.m3u8?xCMCD=no&${cmcd('cid="a,sid=\\"no\\"",sid="abc-1"')}`, {}],
    ['/cam1/a.m3u8?CMCD=sid=%22abc-1%22', {}],
    ['/cam1/a.m3u8', { 'cmcd-session': 'cid="x", sid="abc-1"' }],
    [`/cam1/a.m3u8?${cmcd('sid="abc-1"')}`, { 'cmcd-session': 'sid="no"' }],
  ])('reads the CMCD session of %s with %j', async (path, headers: Record<string, string>) => {
    const { url } = await player();
    await get(url, path, headers);
    expect(only()).toMatchObject({ namedBy: 'cmcd', userName: 'abc-1' });
  });

  it.each([
    'CMCD=',
    'CMCD=%zz',
    cmcd('sid'),
    cmcd('sid=""'),
    cmcd(`sid="${'x'.repeat(300)}"`),
    cmcd('xsid="a"'),
    cmcd(',,="'),
  ])('finds no session in %s', async (query) => {
    const { url } = await player();
    await get(url, `/cam1/a.m3u8?${query}`);
    expect(only()).toMatchObject({ namedBy: 'fingerprint' });
  });

  it('reads the id that Apple players send', async () => {
    const { url } = await player();
    await get(url, '/cam1/a.m3u8', { 'x-playback-session-id': '0A1B' });
    expect(only()).toMatchObject({ namedBy: 'playback-session' });
  });

  it('tells two players behind one address apart by their User-Agent', async () => {
    const { url } = await player();
    await get(url, '/cam1/a.m3u8', { 'user-agent': 'hls.js' });
    await get(url, '/cam1/a.m3u8', { 'user-agent': 'dash.js' });
    await get(url, '/cam1/seg0.ts', { 'user-agent': 'hls.js' });
    expect(
      tracker
        .list()
        .map(({ userAgent }) => userAgent)
        .sort(),
    ).toEqual(['dash.js', 'hls.js']);
  });

  it('recognises a player whose segments drop the token of the playlist', async () => {
    const { url } = await player();
    await get(url, '/cam1/a.m3u8?token=abc', { 'user-agent': 'hls.js' });
    await get(url, '/cam1/seg0.ts', { 'user-agent': 'hls.js' });
    expect(only().bytes).toBe(10);
  });
});

describe('what is known about a viewer', () => {
  it('is what the first request said', async () => {
    const { url } = await player();
    await get(url, '/cam1/a.m3u8?x=1&token=abc', { referer: 'http://page/', 'user-agent': 'ua' });
    expect(only()).toMatchObject({
      ip: '127.0.0.1',
      userAgent: 'ua',
      referer: 'http://page/',
      secure: false,
      dvr: false,
    });
    expect(only().query).toMatch(/^x=1&token=/);
  });

  it('is on the request for later handlers, as a copy made when read', async () => {
    const seen: unknown[] = [];
    const inner = express.Router().use((req, res) => {
      seen.push(req.playSession?.stream, req.playSession === req.playSession, Object.keys(req).includes('playSession'));
      res.send('media');
    });
    const app = express();
    app.use((req, _res, next) => {
      seen.push(req.playSession);
      next();
    });
    app.use('/live', trackPlayback(tracker), express().use(inner));
    const { url } = await serve(app);
    await get(url, '/live/cam1/seg0.ts');
    await get(url, '/live/notes.txt');
    expect(seen).toEqual([undefined, 'cam1', false, false, undefined, undefined, true, false]);
  });

  it('is on a plain request, too', async () => {
    const track = trackPlayback(tracker);
    const seen: unknown[] = [];
    const { url } = await serve((req, res) =>
      track(req, res, () => {
        seen.push(req.playSession?.stream);
        res.end();
      }),
    );
    await get(url, '/cam1/seg0.ts');
    await get(url, '/notes.txt');
    expect(seen).toEqual(['cam1', undefined]);
    expect('playSession' in http.IncomingMessage.prototype).toBe(false);
  });

  it('can be turned into a hit by hitFromRequest', async () => {
    const hits: unknown[] = [];
    const app = express().get('/play/:code', (req, res) => {
      hits.push(hitFromRequest(req, req.params.code, 'hls'));
      res.send();
    });
    const { url } = await serve(app);
    await get(url, `/play/cam9?token=abc&from=1&${cmcd('sid="s"')}`, {
      'user-agent': 'ua',
      referer: 'r',
      authorization: 'Bearer secret',
      'x-playback-session-id': 'p',
    });
    await get(url, '/play/cam9', { authorization: `Basic ${Buffer.from('me:pass:word').toString('base64')}` });
    expect(hits[0]).toEqual({
      stream: 'cam9',
      protocol: 'hls',
      ip: '127.0.0.1',
      userAgent: 'ua',
      referer: 'r',
      query: `token=abc&from=1&${cmcd('sid="s"')}`,
      token: 'abc',
      sid: 's',
      playerSessionId: 'p',
      secure: false,
      dvr: true,
      url: `/play/cam9?token=abc&from=1&${cmcd('sid="s"')}`,
      credentials: { scheme: 'bearer', token: 'secret' },
    });
    const { credentials } = hits[1] as { credentials: { user: string; verify(password: string): boolean } };
    expect(JSON.stringify(credentials)).not.toContain('pass');
    expect([credentials.user, credentials.verify('pass:word'), credentials.verify('pass')]).toEqual([
      'me',
      true,
      false,
    ]);
  });
});

describe('the protocol of fMP4 segments', () => {
  const protocols = () => only().protocols;

  it('is DASH by default', async () => {
    const { url } = await player();
    await get(url, '/cam1/init.mp4');
    await get(url, '/cam1/seg1.m4s');
    expect(protocols()).toEqual(['dash']);
  });

  it('is HLS for a viewer of HLS, and DASH again after a DASH manifest', async () => {
    const { url } = await player();
    await get(url, '/cam1/a.m3u8');
    await get(url, '/cam1/seg1.m4s');
    expect(protocols()).toEqual(['hls']);
    await get(url, '/cam1/a.mpd');
    await get(url, '/cam1/seg1.m4s');
    expect(only().protocol).toBe('dash');
    await get(url, '/cam1/a.m3u8');
    await get(url, '/cam1/seg2.m4s');
    expect(only().protocol).toBe('hls');
  });

  it('is kept per viewer, by the best name, and per stream', async () => {
    const { url } = await player();
    await get(url, '/cam1/a.m3u8', { 'user-agent': 'hls' });
    await get(url, '/cam1/a.mpd', { 'user-agent': 'dash' });
    await get(url, `/cam1/a.m3u8?${cmcd('sid="h"')}`, { 'user-agent': 'browser' });
    await get(url, `/cam1/a.mpd?${cmcd('sid="d"')}`, { 'user-agent': 'browser' });
    await get(url, '/cam1/1.m4s', { 'user-agent': 'hls' });
    await get(url, '/cam2/1.m4s', { 'user-agent': 'hls' });
    await get(url, '/cam1/1.m4s', { 'user-agent': 'dash' });
    await get(url, `/cam1/1.m4s?${cmcd('sid="h"')}`, { 'user-agent': 'browser' });
    await get(url, `/cam1/1.m4s?${cmcd('sid="d"')}`, { 'user-agent': 'browser' });
    const seen = tracker.list().map((s) => [s.stream, s.namedBy === 'cmcd' ? s.userName : s.userAgent, ...s.protocols]);
    expect(seen.map(String).sort()).toEqual([
      'cam1,d,dash',
      'cam1,dash,dash',
      'cam1,h,hls',
      'cam1,hls,hls',
      'cam2,hls,dash',
    ]);
  });

  it('is found for a player that names itself only on the manifest', async () => {
    const { url } = await player();
    await get(url, '/cam1/a.m3u8?token=abc', { 'user-agent': 'ua' });
    await get(url, '/cam1/1.m4s', { 'user-agent': 'ua' });
    expect(protocols()).toEqual(['hls']);
  });

  it('is not changed by manifests that do not exist', async () => {
    const app = express().use(
      trackPlayback(tracker),
      (req, res) => void res.status(req.url.includes('m3u8') ? 404 : 200).send(),
    );
    const { url } = await serve(app);
    await get(url, '/cam1/a.m3u8');
    await get(url, '/cam1/1.m4s');
    expect(only().protocol).toBe('dash');
  });
});

describe('options', () => {
  it('can name the stream by directory', async () => {
    const { url } = await player({ stream: 'dirname' });
    await get(url, '/live/cam1/720p/seg0.ts');
    expect(only().stream).toBe('cam1/720p');
  });

  it('can name the stream by a function, whose undefined lets the request pass', async () => {
    const { url } = await player({ stream: (req: Request) => (req.query.s as string) || undefined });
    await get(url, '/a/b/c.ts?s=mine');
    expect((await get(url, '/a/b/c.ts')).text).toBe('media');
    expect(only().stream).toBe('mine');
  });

  it('can add file extensions', async () => {
    const { url } = await player({ extensions: { '.aac': 'hls', m4a: 'dash', '.mp4': 'mpegts' } });
    await get(url, '/cam1/a.AAC');
    await get(url, '/cam2/a.m4a');
    await get(url, '/cam3/a.mp4');
    expect(
      tracker
        .list()
        .map((s) => `${s.stream} ${s.protocol}`)
        .sort(),
    ).toEqual(['cam1 hls', 'cam2 dash', 'cam3 mpegts']);
  });

  it('can change the hit, or let the request pass with null', async () => {
    const hit = (req: PlaybackRequest, seen: HttpHit) =>
      req.url!.includes('free') ? null : { ...seen, userAgent: 'changed' };
    const { url } = await player({ hit });
    await get(url, '/cam1/a.ts');
    expect((await get(url, '/cam1/free.ts')).text).toBe('media');
    expect(only()).toMatchObject({ userAgent: 'changed', bytes: 5 });
  });

  it('name the stream after the mount if the files are directly there, and warn if nothing names it', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const app = express();
    app.use('/live/cam7', trackPlayback(tracker), (_req, res) => void res.send('media'));
    app.use(trackPlayback(tracker), (_req, res) => void res.send('media'));
    const { url } = await serve(app);
    await get(url, '/live/cam7/a.ts');
    await get(url, '/live/CAM7/a.ts');
    expect(only().stream).toBe('cam7');
    await get(url, '/a.ts');
    await get(url, '/b.ts');
    expect(tracker.list()).toHaveLength(1);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining('stream: () =>'),
      expect.objectContaining({ code: 'STREAM_SESSIONS_NAMELESS_STREAM' }),
    );
  });

  it.each([
    [{ streams: 'dirname' }, 'Did you mean "stream"?'],
    [{ stream: 'basename' }, 'stream must be'],
    [{ extensions: { '.aac': '' } }, 'extensions'],
    [{ extensions: { 'a/b': 'hls' } }, 'extensions'],
    [{ extensions: null }, 'extensions'],
    [{ extensions: ['.aac'] }, 'extensions'],
    [{ trustProxy: 'nobody' }, 'trustProxy must be'],
    [{ trustProxy: -1 }, 'trustProxy must be'],
    [{ trustProxy: '1' }, 'a number of proxies'],
    [{ dvr: 'delay' }, 'dvr must be a list of query parameters like ["from", "delay"], false, or a function'],
    [{ dvr: true }, 'dvr must be'],
    [{ dvr: [] }, 'dvr must be'],
    [{ dvr: ['de lay'] }, 'dvr must be'],
    [{ hit: 'x' }, 'hit must be a function'],
    [{ onDenied: 1 }, 'onDenied must be a function'],
  ])('are rejected if they make no sense: %j', (options, message) => {
    expect(() => trackPlayback(tracker, options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringContaining(message) }),
    );
  });

  it.each(['stream', 'hit', 'dvr'])(
    'that throw (%s) lead to the error handler, and nothing is tracked',
    async (name) => {
      const boom = () => {
        throw new Error('boom');
      };
      const app = express();
      app.use(trackPlayback(tracker, { [name]: boom }), (_req, res) => void res.send('media'));
      app.use(
        ((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as express.ErrorRequestHandler,
      );
      const { url } = await serve(app);
      expect(await get(url, '/cam1/a.ts')).toMatchObject({ status: 500, text: 'boom' });
      expect(tracker.stats().openedTotal).toBe(0);
    },
  );

  it.each(['stream', 'hit', 'dvr'])('that are async (%s) are an error that says so', async (name) => {
    const app = express();
    app.use('/live', trackPlayback(tracker, { [name]: async () => Promise.reject(new Error('late')) }));
    app.get('/events', trackStream(tracker, { stream: 'cam1', ...(name !== 'dvr' && { [name]: async () => null }) }));
    app.use(
      ((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as express.ErrorRequestHandler,
    );
    const { url } = await serve(app);
    expect(await get(url, '/live/cam1/a.ts')).toMatchObject({ status: 500, text: `${name}() must not be async` });
    if (name !== 'dvr') {
      expect(await get(url, '/events')).toMatchObject({ status: 500, text: `${name}() must not be async` });
    }
    expect(tracker.stats().openedTotal).toBe(0);
  });
});

describe('a client that has left before the tracker is asked', () => {
  it('is not tracked', async () => {
    const track = trackPlayback(tracker);
    let [hasAsked, hasPassed] = [false, false];
    const { port } = await serve((req, res) => {
      hasAsked = true;
      res.once('close', () => setImmediate(() => track(req, res, () => (hasPassed = true))));
    });
    const client = await RawClient.connect(port);
    client.get('/cam1/a.ts');
    await until(() => hasAsked);
    client.socket.destroy();
    await until(() => hasPassed);
    expect(tracker.stats().openedTotal).toBe(0);
  });
});
