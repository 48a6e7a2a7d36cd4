import type http from 'node:http';
import express from 'express';
import { createTracker, type DenialKind, type Policy, type SessionTracker, type Verdict } from '@stream-sessions/core';
import { trackPlayback, type TrackPlaybackOptions } from '../src/index.js';
import { get, RawClient, until } from './support/client.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;

afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const withPolicy = (policy: Partial<Policy>) => {
  tracker = createTracker({ policies: [{ name: 'test', ...policy }], logger: quiet });
};
const played: string[] = [];
const player = (options: TrackPlaybackOptions = {}) => {
  played.length = 0;
  const app = express();
  app.use(trackPlayback(tracker, options), (req, res) => {
    played.push(req.url);
    res.send('media');
  });
  app.use(
    ((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as express.ErrorRequestHandler,
  );
  return serve(app);
};

describe('a denied viewer', () => {
  it.each([
    ['credentials', 401],
    ['forbidden', 403],
    ['limit', 429],
    ['overload', 503],
  ] as [DenialKind, number][])('of kind %s is answered %i, and nothing is served', async (kind, status) => {
    withPolicy({
      admit: () => ({ allow: false, reason: 'unauthorized', kind, detail: 'a secret reason', denyForMs: 90_000 }),
    });
    const { url } = await player();
    const answer = await get(url, '/cam1/a.m3u8?token=s3cret');
    expect(answer).toMatchObject({ status, headers: { 'cache-control': 'no-store' } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(89);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(90);
    expect(answer.text.length).toBeLessThan(200);
    expect(answer.text + JSON.stringify(answer.headers)).not.toMatch(/s3cret|secret reason/);
    expect(answer.headers['www-authenticate']).toBe(kind === 'credentials' ? 'Bearer' : undefined);
    expect(played).toEqual([]);
    expect(tracker.stats().openedTotal).toBe(0);
  });

  it('may try again in a second if the denial is not remembered', async () => {
    withPolicy({ admit: () => ({ allow: false, reason: 'limit', kind: 'limit' }) });
    const { url } = await player();
    expect((await get(url, '/cam1/a.m3u8')).headers['retry-after']).toBe('1');
  });

  it('keeps the connection', async () => {
    tracker = createTracker();
    const { port } = await player();
    tracker.deny({ stream: 'cam1' });
    const client = await RawClient.connect(port);
    client.get('/cam1/a.m3u8');
    client.get('/cam2/a.m3u8');
    await until(() => client.received.toString().includes('media'));
    expect(client.status).toBe(403);
    client.socket.destroy();
  });

  it('learns when a kick ends, and may come back once it is lifted', async () => {
    tracker = createTracker();
    const { url } = await player();
    await get(url, '/cam1/a.m3u8');
    tracker.kick(tracker.list()[0]!.id, { denyForMs: 4500, reason: 'shares s3cret' });
    const answer = await get(url, '/cam1/a.m3u8');
    expect(answer).toMatchObject({ status: 403, headers: { 'retry-after': '5' } });
    expect(answer.text).not.toContain('s3cret');
    for (const path of [
      '/cam1/seg0.ts',
      '/cam1/a.m3u8?token=new',
      '/cam1/a.mpd',
      '/cam1/seg.m4s?CMCD=sid%3D%22new%22',
    ]) {
      expect([path, (await get(url, path)).status]).toEqual([path, 403]);
    }
    expect((await get(url, '/cam1/a.m3u8', { 'user-agent': 'a neighbour' })).status).toBe(200);
    tracker.liftDenial(tracker.denials()[0]!.id);
    expect((await get(url, '/cam1/a.m3u8')).status).toBe(200);
  });

  it('is answered 503 once the tracker has stopped', async () => {
    tracker = createTracker();
    const { url } = await player();
    await tracker.stop();
    expect((await get(url, '/cam1/a.m3u8')).status).toBe(503);
  });

  it('can be answered by the app', async () => {
    tracker = createTracker();
    tracker.deny({ stream: 'cam1' });
    const { url } = await player({
      onDenied: (_req, res, denial) => {
        res.statusCode = 418;
        (res as http.ServerResponse).end(denial.kind);
      },
    });
    expect(await get(url, '/cam1/a.m3u8')).toMatchObject({ status: 418, text: 'forbidden' });
  });

  it.each([
    () => {
      throw new Error('boom');
    },
    () => Promise.reject(new Error('boom')),
  ])('whose answer by the app fails goes to the error handler', async (onDenied) => {
    tracker = createTracker();
    tracker.deny({ stream: 'cam1' });
    const { url } = await player({ onDenied });
    expect(await get(url, '/cam1/a.m3u8')).toMatchObject({ status: 500, text: 'boom' });
  });
});

describe('a viewer whose policy verdict is pending', () => {
  const slow = () => {
    const asked: { user: string | undefined; answer: (verdict: Verdict) => void }[] = [];
    const settled: unknown[] = [];
    withPolicy({
      admit: ({ userAgent }) => new Promise((answer) => asked.push({ user: userAgent, answer })),
      settled: (_candidate, session) => void settled.push(session?.stream),
    });
    return { asked, settled };
  };

  it('waits, and is served after an approval', async () => {
    const { asked } = slow();
    const { url } = await player();
    const answers = [get(url, '/cam1/a.m3u8'), get(url, '/cam1/b.m3u8')];
    await until(() => asked.length === 1);
    expect(played).toEqual([]);
    asked[0]!.answer({ allow: true });
    expect((await Promise.all(answers)).map(({ text }) => text)).toEqual(['media', 'media']);
    expect(asked).toHaveLength(1);
    await until(() => tracker.list()[0]?.bytes === 10);
    expect((await get(url, '/cam1/c.ts')).text).toBe('media');
  });

  it('waits, and is refused after a refusal', async () => {
    const { asked } = slow();
    const { url } = await player();
    const answer = get(url, '/cam1/a.m3u8');
    await until(() => asked.length === 1);
    asked[0]!.answer({ allow: false, reason: 'unauthorized', kind: 'credentials' });
    expect((await answer).status).toBe(401);
  });

  it.each(['alone', 'behind another response'])('opens nothing after leaving in the meantime (%s)', async (where) => {
    const { asked, settled } = slow();
    const app = express();
    app.use(
      (req, _res, next) => (req.url === '/first' ? undefined : next()),
      trackPlayback(tracker),
      (_req, res) => {
        played.push('late');
        res.send('media');
      },
    );
    const { port, server } = await serve(app);
    let left = 0;
    server.on('connection', (socket) => socket.on('close', () => left++));
    played.length = 0;
    const client = await RawClient.connect(port);
    if (where !== 'alone') client.get('/first');
    client.get('/cam1/a.m3u8');
    await until(() => asked.length === 1);
    client.socket.destroy();
    await until(() => left === 1);
    asked[0]!.answer({ allow: true });
    await until(() => settled.length === 1);
    expect(settled).toEqual([undefined]);
    expect(tracker.stats()).toMatchObject({ openedTotal: 0, active: 0 });
    expect(played).toEqual([]);
  });

  it('leaves no listeners behind once the verdict has come', async () => {
    const { asked } = slow();
    const listeners: number[] = [];
    const app = express().use(trackPlayback(tracker), (req, res) => {
      listeners.push(req.listenerCount('close'), res.listenerCount('close'));
      res.send();
    });
    const { url } = await serve(app);
    const first = get(url, '/cam1/a.m3u8');
    await until(() => asked.length === 1);
    asked[0]!.answer({ allow: true });
    await first;
    await get(url, '/cam1/b.ts');
    expect(listeners.slice(0, 2)).toEqual(listeners.slice(2));
  });
});
