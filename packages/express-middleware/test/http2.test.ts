import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import serveStatic from 'serve-static';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { localOnly, type PlaybackResponse, sessionsApi, trackPlayback } from '../src/index.js';
import { selfSigned } from '../../../test/support/certificate.js';
import { until } from './support/client.js';
import { FILES, mediaFolder } from './support/media.js';
import { closeServers, listen } from './support/serve.js';

const SIZE = 20_000_000;
const media = mediaFolder();
let tracker: SessionTracker;
const clients: ClientHttp2Session[] = [];

beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await closeServers();
  await tracker.stop();
});
afterAll(() => media.remove());

type Handler = (path: string, res: http2.Http2ServerResponse, pass: () => void) => void;

async function start(handle: Handler, secure = false): Promise<ClientHttp2Session> {
  const track = trackPlayback(tracker);
  const api = sessionsApi(tracker, { authorize: localOnly });
  const listener = (req: http2.Http2ServerRequest, res: http2.Http2ServerResponse) => {
    api(req, res, () => track(req, res, () => handle(req.url, res, () => undefined)));
  };
  const server = secure ? http2.createSecureServer(selfSigned(), listener) : http2.createServer(listener);
  const port = await listen(server);
  const client = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

/** One request; `bytes` grow unless it was paused. */
function request(client: ClientHttp2Session, path: string, headers: Record<string, string> = {}) {
  const stream = client.request({ ':path': path, ...headers });
  const seen = { stream, status: 0, bytes: 0, text: '', code: -1, headers: {} as Record<string, unknown> };
  stream.on('response', (answer) => {
    seen.status = answer[':status'] ?? 0;
    seen.headers = answer;
  });
  stream.on('data', (chunk: Buffer) => {
    seen.bytes += chunk.length;
    if (seen.bytes < 10_000) seen.text += chunk.toString();
  });
  stream.on('error', () => undefined);
  stream.on('close', () => (seen.code = stream.rstCode));
  return seen;
}

const bytesOf = (stream: string) => tracker.list({ stream })[0]?.bytes ?? 0;
const stop = (stream: ClientHttp2Stream) => stream.pause();

describe.each([false, true])('over HTTP/2 (TLS: %s)', (secure) => {
  it('counts the body bytes of files, without frames', async () => {
    const files = serveStatic(media.folder);
    const client = await start(
      (_path, res) => files(res.req as never, res as never, () => res.writeHead(404).end()),
      secure,
    );
    const first = request(client, '/cam1/seg0.ts');
    const second = request(client, '/cam1/720p/seg1.ts', { range: 'bytes=0-99999' });
    await until(() => first.code >= 0 && second.code >= 0);
    expect([first.status, first.bytes, second.status, second.bytes]).toEqual([
      200,
      FILES['cam1/seg0.ts'],
      206,
      100_000,
    ]);
    await until(() => bytesOf('cam1') === 113_000);
    expect(tracker.list()).toMatchObject([{ ip: '127.0.0.1', secure, protocol: 'hls' }]);
  });

  it('counts what is written to several streams, each for its own', async () => {
    const client = await start((path, res) => {
      res.write('start');
      res.end(Buffer.alloc(Number(/\d{3,}/.exec(path)![0])));
    }, secure);
    const seen = [1000, 200_000, 300].map((size, i) => request(client, `/cam${i}/${size}.ts`));
    await until(() => seen.every(({ code }) => code >= 0));
    await until(
      () => [bytesOf('cam0'), bytesOf('cam1'), bytesOf('cam2')],
      (all) => String(all) === '1005,200005,305',
    );
  });

  it('resets the stream of a kicked viewer, and leaves the others of the connection alone', async () => {
    let write: () => void = () => undefined;
    const client = await start((path, res) => {
      res.write(Buffer.alloc(5000));
      if (path.startsWith('/cam2')) write = () => void res.end(Buffer.alloc(1000));
    }, secure);
    const kicked = request(client, '/cam1/endless.ts');
    const other = request(client, '/cam2/endless.ts');
    await until(() => kicked.bytes === 5000 && other.bytes === 5000);
    tracker.kick(tracker.list({ stream: 'cam1' })[0]!.id);
    await until(() => kicked.code === http2.constants.NGHTTP2_CANCEL);
    expect(tracker.list({ stream: 'cam1' })).toMatchObject([{ bytes: 5000, closeReason: 'kicked' }]);
    write();
    await until(() => other.code === 0);
    expect(other.bytes).toBe(6000);
    const again = request(client, '/cam1/endless.ts');
    await until(() => again.code >= 0);
    expect(again.status).toBe(403);
    expect(again.headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': expect.stringMatching(/^\d+$/) });
    expect(client.destroyed).toBe(false);
  });

  it.each(['kick', 'reset by the client'])('counts for a cut write only what can have gone (%s)', async (how) => {
    const client = await start((_path, res) => res.end(Buffer.alloc(SIZE)), secure);
    const seen = request(client, '/cam1/big.ts');
    await until(() => seen.bytes > 30_000);
    stop(seen.stream);
    await until(() => bytesOf('cam1') > 0);
    if (how === 'kick') tracker.kick(tracker.list()[0]!.id);
    else seen.stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => seen.code >= 0);
    await until(() => bytesOf('cam1') >= seen.bytes);
    // what the client's flow control window let through on top
    expect(bytesOf('cam1')).toBeLessThan(seen.bytes + 250_000);
  });

  it('counts a long response while it runs', async () => {
    let send: PlaybackResponse | undefined;
    const client = await start((_path, res) => {
      send = res;
      res.write(Buffer.alloc(1000));
    }, secure);
    request(client, '/cam1/endless.ts');
    await until(() => bytesOf('cam1') === 1000);
    (send as http2.Http2ServerResponse).write(Buffer.alloc(500));
    await until(() => bytesOf('cam1') === 1500);
  });

  it('ends the request of a client whose connection closes', async () => {
    tracker.updateConfig({ idleTimeoutMs: 500 });
    const client = await start((_path, res) => void res.write(Buffer.alloc(1000)), secure);
    const seen = request(client, '/cam1/endless.ts');
    await until(() => seen.bytes === 1000);
    client.destroy();
    await until(() => tracker.list()[0]?.closeReason === 'idle');
    expect(bytesOf('cam1')).toBe(1000);
  });
});

describe('over HTTP/2', () => {
  it('recognises a kicked viewer by every spelling of a path', async () => {
    const client = await start((_path, res) => res.end('media'));
    const ask = async (path: string) => {
      const seen = request(client, path);
      await until(() => seen.code >= 0);
      return seen.status;
    };
    expect(await ask('/cam1/seg0.ts')).toBe(200);
    tracker.kick(tracker.list()[0]!.id);
    for (const path of ['/cam1/seg0.ts', '/cam1//seg0%2ets', '/x/../cam1/seg0.ts', '/cam1%2fseg0.ts']) {
      expect([path, await ask(path)]).toEqual([path, 403]);
    }
    for (const path of ['//cam1/seg0.ts', '/x/../cam1/seg0.ts#', '/\\cam1\\seg0.ts', '/cam1%5cseg0.ts']) {
      expect([path, await ask(path)]).toEqual([path, 400]);
    }
    // HTTP/2 itself may refuse these
    for (const path of ['cam1/seg0.ts', 'http://h/cam1/seg0.ts']) expect(await ask(path)).not.toBe(200);
  });

  it('serves the list, and refuses a body that is too long', async () => {
    const client = await start((_path, res) => res.end());
    const list = request(client, '/sessions');
    await until(() => list.code >= 0);
    expect(JSON.parse(list.text)).toMatchObject({ sessions: [], total_count: 0 });
    const stream = client.request({ ':path': '/denials', ':method': 'POST', 'content-type': 'application/json' });
    let status = 0;
    stream.on('response', (headers) => (status = headers[':status'] ?? 0));
    stream.on('error', () => undefined);
    stream.resume();
    stream.end(Buffer.alloc(100_000, ' '));
    await until(() => status === 413);
  });
});
