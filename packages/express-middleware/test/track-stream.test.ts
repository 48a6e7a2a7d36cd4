import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import express from 'express';
import { createTracker, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { trackPlayback, trackStream, type PlaybackResponse, type TrackStreamOptions } from '../src/index.js';
import { NO_CLOCK, NO_DURATION } from '../../../test/support/impossible.js';
import { pace, until } from '../../../test/support/until.js';
import { FRAMEWORKS } from './support/apps.js';
import { closeServers, listen, serve } from './support/serve.js';

const clock = fakeClock();
let tracker: SessionTracker;
const trackers: SessionTracker[] = [];
const started = (options: TrackerOptions = {}) => {
  trackers.push((tracker = createTracker({ clock, ...options })));
  return tracker;
};
beforeEach(() => started());
afterEach(async () => {
  await closeServers();
  await Promise.all(trackers.splice(0).map((each) => each.stop()));
});
const session = () => tracker.list()[0]!;
const reason = () => tracker.list({ status: 'closed' })[0]?.closeReason;
const SSE: TrackStreamOptions = { stream: 'news', protocol: 'sse', clock };

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  body: string;
  readonly response: IncomingMessage;
  isOver: boolean;
}
async function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const request = get(url, { agent: false, headers, method });
  request.on('error', () => undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const answer = { status: response.statusCode!, headers: response.headers, body: '', response, isOver: false };
  response.on('data', (data: Buffer) => (answer.body += data.toString()));
  response.on('error', () => undefined).on('close', () => (answer.isOver = true));
  return answer;
}

describe.each(Object.entries(FRAMEWORKS))('a stream of events in %s', (_name, mounted) => {
  it('is one connection in the list, with its bytes, until the client leaves', async () => {
    const open: ServerResponse[] = [];
    const { url } = await serve(
      mounted('/events', trackStream(tracker, SSE), (_req, res) => {
        open.push(res as ServerResponse);
        (res as ServerResponse).write('data: hello\n\n');
      }),
    );
    const answer = await ask(`${url}/events?token=abc&x=1`, { 'user-agent': 'test/1.0' });
    await until('it hears', () => answer.body === 'data: hello\n\n');
    expect(session()).toMatchObject({
      stream: 'news',
      protocol: 'sse',
      kind: 'viewer',
      ip: '127.0.0.1',
      connections: 1,
    });
    expect(session()).toMatchObject({ userAgent: 'test/1.0', query: expect.stringMatching(/^token=(?!abc).*&x=1$/) });
    clock.advance(1_000);
    expect(session().bytes).toBe(13);
    clock.advance(3_600_000); // nothing is said for an hour
    expect(reason()).toBeUndefined();
    open[0]!.write('data: bye\n\n');
    await until('it hears', () => answer.body.length === 24);
    answer.response.destroy();
    await until('it has left', () => reason() === 'client_gone');
    expect(session().bytes).toBe(24);
  });
});

it('a tracked stream ends with its response, as stream_ended', async () => {
  const { url } = await serve(express().get('/', trackStream(tracker, SSE), (_req, res) => void res.end('all')));
  await ask(url);
  await until('it is over', () => reason() === 'stream_ended');
  expect(session().bytes).toBe(3);
});

it('trackStream() counts compressed bytes, and offers the session to the handler', async () => {
  let stream: string | undefined;
  const { url } = await serve(
    express().get('/', trackStream(tracker, SSE), (req, res) => {
      stream = req.playSession?.stream;
      res.setHeader('Content-Encoding', 'gzip');
      res.end(Buffer.alloc(50));
    }),
  );
  await ask(url);
  await until('it is over', () => reason() === 'stream_ended');
  expect([stream, session().bytes]).toEqual(['news', 50]);
});

it.each([
  ['at once', () => ({ allow: false, reason: 'unauthorized', kind: 'credentials' }) as const],
  ['later', async () => ({ allow: false, reason: 'unauthorized', kind: 'credentials' }) as const],
])('trackStream() never runs the handler for a client that is refused %s', async (_when, admit) => {
  started({ policies: [{ name: 'no', admit }] });
  const handler = jest.fn();
  const { url } = await serve(express().get('/', trackStream(tracker, SSE), handler));
  const answer = await ask(url);
  expect([answer.status, answer.headers['www-authenticate'], handler.mock.calls.length]).toEqual([401, 'Bearer', 0]);
  const own = trackStream(tracker, { ...SSE, onDenied: (_req, res: express.Response) => res.status(418).end() });
  const app = await serve(express().get('/', own, handler));
  expect([(await ask(app.url)).status, handler.mock.calls.length]).toEqual([418, 0]);
});

it('trackStream() passes on HEAD, null and requests without a stream, and asks once when mounted twice', async () => {
  const stream = (req: express.Request) => (req.path === '/free' ? null : req.path === '/cam1' ? 'cam1' : undefined);
  const middleware = trackStream(tracker, { ...SSE, stream });
  const { url } = await serve(express().use(middleware, middleware, (_req, res) => void res.end('.')));
  const statuses = [];
  for (const path of ['/free', '/other']) statuses.push((await ask(url + path)).status);
  statuses.push((await ask(`${url}/cam1`, {}, 'HEAD')).status);
  expect([statuses, tracker.list()]).toEqual([[200, 404, 200], []]);
  await ask(`${url}/cam1`);
  await until('it is over', () => reason() === 'stream_ended');
  expect(tracker.stats().openedTotal).toBe(1);
});

it('trackStream() lets OPTIONS pass, but without the media that a handler may send in its answer', async () => {
  const seen: string[] = [];
  const app = express().use(trackStream(tracker, SSE), (req, res) => {
    seen.push(req.method);
    res.setHeader('Access-Control-Allow-Methods', 'GET');
    res.write('media');
    res.end('more media');
  });
  const { url } = await serve(app);
  tracker.deny({ ip: '127.0.0.1' });
  const preflight = await ask(url, {}, 'OPTIONS');
  await until('it is over', () => preflight.isOver);
  expect([preflight.status, preflight.headers['access-control-allow-methods'], preflight.body]).toEqual([
    200,
    'GET',
    '',
  ]);
  expect((await ask(url)).status).toBe(403);
  expect(seen).toEqual(['OPTIONS']);
});

it('trackStream() passes errors of its functions and of the handler to the app, and cuts nobody for them', async () => {
  const broken = trackStream(tracker, {
    ...SSE,
    hit: () => {
      throw new Error('a mistake');
    },
  });
  const app = express()
    .get('/broken', broken)
    .get('/handler', trackStream(tracker, SSE), () => {
      throw new Error('another');
    })
    .use(((error: Error, _req, res, _next) => void res.status(500).end(error.message)) as express.ErrorRequestHandler);
  const { url } = await serve(app);
  const answers = [await ask(`${url}/broken`), await ask(`${url}/handler`)];
  await until('both are over', () => answers.every(({ isOver }) => isOver));
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [500, 'a mistake'],
    [500, 'another'],
  ]);
  await until('nothing is left', () => tracker.count() === 0 || reason() !== undefined);
  expect(session().bytes).toBe(0);
});

it('trackStream() cuts a client that takes none of what waits as stalled', async () => {
  let waiting: ServerResponse | undefined;
  const { url } = await serve(
    express().get('/', trackStream(tracker, { ...SSE, stallTimeoutMs: 5_000 }), (_req, res) => {
      waiting = res;
      for (let i = 0; i < 32; i++) res.write(Buffer.alloc(1024 * 1024));
    }),
  );
  const request = get(url, { agent: false });
  request.on('error', () => undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.pause();
  let before = -1;
  await until('the kernel takes no more', async () => {
    await pace(50);
    const socket = waiting?.socket?.writableLength ?? 0;
    return (socket > 0 && socket === before) || void (before = socket);
  });
  for (let second = 0; second < 4; second++) clock.advance(1_000);
  expect(reason()).toBeUndefined();
  for (let second = 0; second < 4; second++) clock.advance(1_000);
  expect(reason()).toBe('stalled');
  request.destroy();
});

it('trackStream() holds a viewer to the speed that a policy allows', async () => {
  started({ policies: [{ name: 'slow', admit: () => ({ allow: true, limits: { downMbits: 1 } }) }], clock: undefined });
  const { url } = await serve(
    express().get('/', trackStream(tracker, { ...SSE, clock: undefined }), (_req, res) => {
      const timer = setInterval(() => res.write(Buffer.alloc(50_000)), 10);
      res.on('close', () => clearInterval(timer));
    }),
  );
  const answer = await ask(url);
  const since = Date.now();
  await until('a second is over', () => Date.now() - since > 1_000);
  expect(answer.body.length).toBeLessThan(1_000_000); // unlimited it would be five times as much
  answer.response.destroy();
});

it('trackStream() cuts a viewer whose stream piles up because its writer exceeds the limit and never waits', async () => {
  started({ policies: [{ name: 'slow', admit: () => ({ allow: true, limits: { downMbits: 1 } }) }], clock: undefined });
  const { url } = await serve(
    express().get('/', trackStream(tracker, { ...SSE, clock: undefined }), (_req, res) => {
      const timer = setInterval(() => res.write(Buffer.alloc(400_000)), 10);
      res.on('close', () => clearInterval(timer));
    }),
  );
  const answer = await ask(url);
  await until('it is cut', () => tracker.list()[0]?.closeReason === 'over_speed');
  answer.response.destroy();
});

it('over HTTP/2, a kick ends one tracked stream, and leaves the connection to the others', async () => {
  const server = http2.createServer((req, res) =>
    middleware(req, res as PlaybackResponse, () => {
      const timer = setInterval(() => res.write('data: x\n\n'), 5);
      res.on('close', () => clearInterval(timer));
    }),
  );
  const middleware = trackStream(tracker, { ...SSE, stream: (req) => String(req.url).slice(1, 5) });
  const port = await listen(server);
  const connection = http2.connect(`http://127.0.0.1:${port}`);
  const streams = ['/cam1', '/cam2'].map((path) => {
    const stream = connection.request({ ':path': path });
    const seen = { stream, bytes: 0, closed: false };
    stream.on('data', (data: Buffer) => (seen.bytes += data.length));
    stream.on('error', () => undefined).on('close', () => (seen.closed = true));
    return seen;
  });
  await until('both play', () => streams.every(({ bytes }) => bytes > 100));
  tracker.kick(tracker.list({ stream: 'cam1' })[0]!.id);
  await until('one is cut', () => streams[0]!.closed);
  const then = streams[1]!.bytes;
  await until('the other plays on', () => streams[1]!.bytes > then + 100);
  expect(tracker.list({ status: 'active' }).map(({ stream }) => stream)).toEqual(['cam2']);
  connection.destroy();
  await until('it has left', () => tracker.list({ status: 'active' }).length === 0);
});

it('trackStream() works beside trackPlayback(), and insists on its options', async () => {
  const app = express()
    .use('/live', trackPlayback(tracker))
    .get('/live/cam1.mjpeg', trackStream(tracker, { ...SSE, stream: 'cam1', protocol: 'mjpeg' }), (_req, res) => {
      res.write('x');
    });
  const { url } = await serve(app);
  const answer = await ask(`${url}/live/cam1.mjpeg`);
  expect(tracker.list().map(({ protocol }) => protocol)).toEqual(['mjpeg']);
  answer.response.destroy();
  const impossible = [
    ...NO_DURATION.map((stallTimeoutMs) => ({ stream: 'a', stallTimeoutMs })),
    ...NO_CLOCK.map((clock) => ({ stream: 'a', clock })),
  ];
  for (const options of [{}, { stream: 1 }, { stream: 'a', stall: 1 }, ...impossible]) {
    expect(() => trackStream(tracker, options as never)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  }
});
