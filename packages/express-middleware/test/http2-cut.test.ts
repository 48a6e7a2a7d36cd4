import { once } from 'node:events';
import http2, { type Http2ServerResponse } from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '../src/index.js';
import { selfSigned } from '../../../test/support/certificate.js';
import { until } from './support/client.js';
import { closeServers, listen } from './support/serve.js';

let tracker: SessionTracker;
const closing: { destroy(): void }[] = [];

beforeEach(() => {
  tracker = createTracker();
});
afterEach(async () => {
  for (const each of closing.splice(0)) each.destroy();
  await closeServers();
  await tracker.stop();
});

const SMALL = 5000;
const LARGE = 5_000_000;
/** What a client that has said nothing of it takes at once. */
const WINDOW = 65_535;
/** Heads and frames are counted with a cut body, because the connection does not tell them apart. */
const FRAMES = 1500;
const kick = () => tracker.kick(tracker.list()[0]!.id, { denyForMs: 0 });

type Handler = (res: Http2ServerResponse) => void;

async function serveBy(handle: Handler, secure: boolean): Promise<number> {
  const track = trackPlayback(tracker);
  const listener = (req: http2.Http2ServerRequest, res: Http2ServerResponse) =>
    track(req, res, () => {
      res.on('error', () => undefined);
      handle(res);
    });
  return listen(secure ? http2.createSecureServer(selfSigned(), listener) : http2.createServer(listener));
}

function play(port: number, secure: boolean, options: http2.ClientSessionOptions = {}) {
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`;
  const client = http2.connect(url, { ...options, ...{ rejectUnauthorized: false } });
  client.on('error', () => undefined);
  closing.push(client);
  const seen = { client, bytes: 0, isOver: false };
  const stream = client.request({ ':path': '/cam1/seg0.ts' });
  stream.on('data', (chunk: Buffer) => (seen.bytes += chunk.length));
  stream.on('error', () => undefined);
  stream.on('close', () => (seen.isOver = true));
  return seen;
}

const later =
  (then: Handler): Handler =>
  (res) =>
    void setImmediate(() => then(res));

describe.each([false, true])('a response over HTTP/2 (TLS: %s) counts all that its client got, if it', (secure) => {
  it.each<[string, number, Handler]>([
    ['is written to after its end', SMALL, (res) => (res.end(Buffer.alloc(SMALL)), res.write('x'))],
    ['is written to after its end, which is long', WINDOW, (res) => (res.end(Buffer.alloc(LARGE)), res.write('x'))],
    ['is destroyed as soon as it is written', SMALL, (res) => (res.write(Buffer.alloc(SMALL)), res.stream.destroy())],
    ['ends with its connection', SMALL, (res) => (res.end(Buffer.alloc(SMALL)), res.stream.session!.destroy())],
    ['is kicked as soon as it is written', SMALL, later((res) => (res.end(Buffer.alloc(SMALL)), kick()))],
    ['is kicked while it is written', WINDOW, later((res) => (res.end(Buffer.alloc(LARGE)), kick()))],
  ])('%s', async (_how, size, handle) => {
    const seen = play(await serveBy(handle, secure), secure);
    await until(() => seen.isOver);
    expect(seen.bytes).toBe(size);
    await until(() => tracker.list()[0]!.bytes >= size);
    expect(tracker.list()[0]!.bytes).toBeLessThanOrEqual(size === SMALL ? SMALL : size + FRAMES);
  });
});

it('a kicked response over HTTP/2 counts what its connection goes on to send', async () => {
  const port = await serveBy((res) => res.end(Buffer.alloc(4 * LARGE)), false);
  // stands still after a while, so that the server's side of the connection fills up
  let isFull = false;
  let goOn: () => void = () => undefined;
  const proxy = net.createServer((client: Socket) => {
    const server = net.connect(port, '127.0.0.1');
    closing.push(client, server);
    client.pipe(server).on('error', () => client.destroy());
    server.on('data', (data: Buffer) => {
      client.write(data);
      if (isFull || server.bytesRead < 2 * WINDOW) return;
      isFull = true;
      server.pause();
      goOn = () => server.resume();
    });
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const seen = play((proxy.address() as AddressInfo).port, false, { settings: { initialWindowSize: 2 ** 30 } });
  seen.client.on('connect', () => seen.client.setLocalWindowSize(2 ** 30));
  await until(() => isFull);
  kick();
  goOn();
  await until(() => seen.isOver);
  proxy.close();
  expect(seen.bytes).toBeGreaterThan(2 * WINDOW);
  expect(tracker.list()[0]!.bytes).toBeGreaterThanOrEqual(seen.bytes);
});
