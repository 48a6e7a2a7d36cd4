import { createTracker, type SessionTracker, type SourceGate, type SourceWait } from '@stream-sessions/core';
import http2 from 'node:http2';
import { trackPlayback } from '../src/index.js';
import { get, RawClient, until } from './support/client.js';
import { closeServers, listen, serve } from './support/serve.js';

let tracker: SessionTracker;
/** Those who wait: each is told whether its source runs. */
let waits: ((runs: boolean) => void)[];
let cancelled: number;
let runs: boolean;
let handled: string[];
beforeEach(() => {
  tracker = createTracker();
  waits = [];
  cancelled = 0;
  runs = false;
  handled = [];
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

const gate: SourceGate = Object.assign(
  (stream: string) => {
    if (runs || stream !== 'cam1') return undefined;
    let answer = (_runs: boolean): void => undefined;
    const wait = new Promise<boolean>((resolve) => (answer = resolve)) as SourceWait;
    wait.cancel = () => {
      cancelled++;
      answer(false);
    };
    waits.push(answer);
    return wait;
  },
  { manages: (stream: string) => stream === 'cam1' },
);

const app = () => {
  const track = trackPlayback(tracker, { ready: gate });
  return serve((req: never, res: { end(text: string): void }) =>
    track(req, res as never, () => {
      handled.push((req as { url: string }).url);
      res.end('#EXTM3U\n');
    }),
  );
};

it('trackPlayback() holds an admitted viewer until the source runs, and then serves and counts it', async () => {
  const { url } = await app();
  const answer = get(url, '/cam1/index.m3u8');
  await until(() => waits.length === 1);
  expect(handled).toEqual([]);
  waits[0]?.(true);
  expect(await answer).toMatchObject({ status: 200, text: '#EXTM3U\n' });
  expect(tracker.list()).toMatchObject([{ stream: 'cam1', bytes: 8 }]);
  expect((await get(url, '/other/index.m3u8')).status).toBe(200);
  runs = true;
  expect((await get(url, '/cam1/seg1.ts')).status).toBe(200);
  expect(waits).toHaveLength(1);
});

it('trackPlayback() answers 503 with Retry-After if the source does not start, and lists no viewer', async () => {
  const { url } = await app();
  const answer = get(url, '/cam1/index.m3u8');
  await until(() => waits.length === 1);
  waits[0]?.(false);
  const { status, headers, text } = await answer;
  expect([status, headers['retry-after'], headers['cache-control']]).toEqual([503, '2', 'no-store']);
  expect(text).toBe('Service Unavailable: the source of this stream is being started. Try again.\n');
  expect([handled, tracker.count(), tracker.stats().openedTotal]).toEqual([[], 0, 0]);
});

it('trackPlayback() does not hold a refused viewer', async () => {
  tracker.deny({ ip: '127.0.0.1' });
  const { url } = await app();
  expect((await get(url, '/cam1/index.m3u8')).status).toBe(403);
  expect(waits).toEqual([]);
});

it('trackPlayback() stops holding a client that has gone', async () => {
  const { port } = await app();
  const client = await RawClient.connect(port);
  client.get('/cam1/index.m3u8');
  await until(() => waits.length === 1);
  client.socket.destroy();
  await until(() => cancelled === 1);
  expect(handled).toEqual([]);
});

it('trackPlayback() hangs up on a held client that is kicked', async () => {
  const { port, url } = await app();
  runs = true;
  await get(url, '/cam1/index.m3u8');
  runs = false;
  const client = await RawClient.connect(port);
  client.get('/cam1/index.m3u8');
  await until(() => waits.length === 1);
  expect(tracker.kickAll({ stream: 'cam1' })).toBe(1);
  await until(() => client.ended);
  expect([client.received.length, cancelled]).toEqual([0, 1]);
});

it('over HTTP/2, trackPlayback() lets go of a stream whose client leaves, and keeps holding the others', async () => {
  const track = trackPlayback(tracker, { ready: gate });
  const server = http2.createServer((req, res) => track(req, res, () => void res.end('#EXTM3U\n')));
  const port = await listen(server);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  try {
    const [one, two] = [1, 2].map((n) => session.request({ ':path': `/cam1/index.m3u8?token=viewer-${n}` }));
    await until(() => waits.length === 2);
    one?.close();
    await until(() => cancelled === 1);
    waits[1]?.(true);
    let text = '';
    two?.setEncoding('utf8').on('data', (part: string) => (text += part));
    await until(() => text === '#EXTM3U\n');
  } finally {
    session.destroy();
  }
});
