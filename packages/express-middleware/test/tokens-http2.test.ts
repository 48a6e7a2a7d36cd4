import http2, { type ClientHttp2Session, type Http2ServerResponse } from 'node:http2';
import zlib from 'node:zlib';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '../src/index.js';
import { selfSigned } from '../../../test/support/certificate.js';
import { until } from './support/client.js';
import { closeServers, listen } from './support/serve.js';

const MEDIA = `#EXTM3U\n${'#EXTINF:4,\nseg.ts\n'.repeat(100)}https://media.example/a.ts\n//other.example/a.ts\n`;
const WRITTEN = MEDIA.replaceAll('seg.ts', 'seg.ts?tkn=me').replace('example/a.ts', 'example/a.ts?tkn=me');

let tracker: SessionTracker;
let client: ClientHttp2Session;
beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  client.destroy();
  await closeServers();
  await tracker.stop();
});

async function start(secure: boolean, handle: (res: Http2ServerResponse) => unknown) {
  const track = trackPlayback(tracker, { viewerToken: { writeUrl: true, writeCookie: true } });
  const listener = (req: http2.Http2ServerRequest, res: Http2ServerResponse) => track(req, res, () => void handle(res));
  const server = secure ? http2.createSecureServer(selfSigned(), listener) : http2.createServer(listener);
  const port = await listen(server);
  client = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false });
}

async function ask(headers: Record<string, string>) {
  const stream = client.request({ ':authority': 'media.example', ':path': '/cam1/index.m3u8?token=me', ...headers });
  const answer = { headers: {} as http2.IncomingHttpHeaders, body: Buffer.alloc(0), ended: false };
  stream.on('response', (head) => (answer.headers = head));
  stream.on('data', (chunk: Buffer) => (answer.body = Buffer.concat([answer.body, chunk])));
  stream.on('close', () => (answer.ended = true));
  stream.end();
  await until(() => answer.ended);
  return answer;
}

describe.each([false, true])('over HTTP/2 (TLS: %s) a playlist', (secure) => {
  it.each<[string, (res: Http2ServerResponse) => unknown]>([
    ['at once', (res) => res.end(MEDIA)],
    ['with its head', (res) => res.writeHead(200, { etag: '"x"', 'content-length': MEDIA.length }).end(MEDIA)],
    ['in pieces', (res) => (res.write(MEDIA.slice(0, 50)), res.write(MEDIA.slice(50)), res.end())],
    ['compressed', (res) => res.setHeader('content-encoding', 'gzip') ?? res.end(zlib.gzipSync(MEDIA))],
  ])('carries the token when it is sent %s', async (_how, handle) => {
    await start(secure, handle);
    const answer = await ask({ 'accept-encoding': 'identity' });
    // the client's authority is media.example; from https nothing goes to http
    expect(answer.body.toString()).toBe(WRITTEN);
    expect(answer.headers).toMatchObject({ ':status': 200, 'cache-control': 'no-store' });
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    expect(answer.headers).not.toHaveProperty('etag');
    await until(() => tracker.list()[0]?.bytes === answer.body.length);
    const packed = await ask({ 'accept-encoding': 'gzip' });
    expect(zlib.gunzipSync(packed.body).toString()).toBe(WRITTEN);
    await until(() => tracker.list()[0]?.bytes === answer.body.length + packed.body.length);
  });

  it('sets a cookie', async () => {
    await start(secure, (res) => res.end(MEDIA));
    const { headers } = await ask({ ':path': '/cam1/index.m3u8' });
    const end = secure ? 'SameSite=None; Secure' : 'SameSite=Lax';
    expect(headers['set-cookie']).toEqual([expect.stringMatching(`^tkn=[0-9a-f]{32}; .*; HttpOnly; ${end}$`)]);
  });

  it('answers HEAD with headers', async () => {
    await start(secure, (res) => res.writeHead(200, { etag: '"x"', 'content-length': MEDIA.length }).end());
    const { headers, body } = await ask({ ':method': 'HEAD' });
    expect(headers).toMatchObject({ ':status': 200, 'cache-control': 'no-store' });
    expect(headers).not.toHaveProperty('etag');
    expect(headers).not.toHaveProperty('content-length');
    expect(body).toHaveLength(0);
  });

  it('is passed on unchanged if it is too long', async () => {
    const long = Buffer.from(`#EXTM3U\n${'#'.repeat(5_000_000)}`);
    jest.spyOn(process, 'emitWarning').mockImplementation();
    await start(secure, (res) => (res.write(long.subarray(0, 1_000_000)), res.end(long.subarray(1_000_000))));
    expect((await ask({})).body.equals(long)).toBe(true);
  });
});
