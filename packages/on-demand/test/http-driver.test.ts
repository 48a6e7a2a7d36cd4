import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpDriver, type SourceRun } from '../src/index.js';
import { driverContract } from '../src/testing/index.js';

/** An encoder that is started and stopped by HTTP. */
class Encoder {
  readonly running = new Set<string>();
  readonly calls: { path: string; headers: IncomingHttpHeaders; body: string }[] = [];
  status = 200;
  private server: Server | undefined;

  async listen(): Promise<string> {
    this.server = createServer(async (req, res) => {
      let body = '';
      for await (const chunk of req) body += String(chunk);
      const path = req.url ?? '';
      this.calls.push({ path, headers: req.headers, body });
      const [, stream = '', verb] = path.split('/');
      if (verb === 'start' && this.status === 200) this.running.add(stream);
      if (verb === 'stop') this.running.delete(stream);
      const isMissing = verb === 'state' && !this.running.has(stream);
      res.writeHead(isMissing ? 404 : this.status).end('as you wish');
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }
}

const run: SourceRun = { signal: new AbortController().signal, ended: () => undefined };
let encoder: Encoder;
beforeEach(() => {
  encoder = new Encoder();
});
afterEach(() => encoder.close());

driverContract({
  name: 'httpDriver',
  async start() {
    const own = new Encoder();
    const url = await own.listen();
    const urls = { start: `${url}/{stream}/start`, stop: `${url}/{stream}/stop`, state: `${url}/{stream}/state` };
    return {
      driver: httpDriver({ ...urls, timeoutMs: 1_000 }),
      isRunning: (stream) => own.running.has(stream),
      crash: (stream) => own.running.delete(stream),
      breakDown: () => own.close(),
      stop: () => own.close(),
    };
  },
});

it('the HTTP driver signs its calls, and says what they are about', async () => {
  const url = await encoder.listen();
  const key = Buffer.alloc(32, 'k');
  const driver = httpDriver({
    ...{ start: `${url}/{stream}/start`, stop: `${url}/{n}/stop`, secret: `whsec_${key.toString('base64')}` },
    headers: { authorization: 'Bearer ours' },
  });
  await driver.start({ stream: 'live/cam-1', values: { stream: 'live/cam-1', n: '1' } }, run);
  const [{ path, headers, body }] = encoder.calls as [Encoder['calls'][number]];
  expect(path).toBe('/live%2Fcam-1/start');
  expect(JSON.parse(body)).toEqual({
    ...{ action: 'start', stream: 'live/cam-1', values: { stream: 'live/cam-1', n: '1' } },
  });
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  expect([headers.authorization, Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 5]).toEqual([
    ...['Bearer ours', true],
  ]);
});

it('the HTTP driver passes on what it was answered, and does not wait for ever', async () => {
  const url = await encoder.listen();
  encoder.status = 500;
  const target = { stream: 'cam-1', values: { stream: 'cam-1' } };
  const driver = httpDriver({ start: `${url}/{stream}/start`, stop: `${url}/{stream}/stop` });
  await expect(driver.start(target, run)).rejects.toThrow('start of cam-1 was answered 500: as you wish');
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const slow = httpDriver({ start: `http://me:secret@127.0.0.1:${port}/on?key=secret`, stop: url, timeoutMs: 100 });
  await expect(slow.start(target, run)).rejects.toThrow(`POST http://127.0.0.1:${port}/on: no answer within 100 ms`);
  silent.close();
  silent.closeAllConnections();
});

it.each([
  ['start', { start: 'ftp://me:hunter2@encoder/' }],
  ['start', { start: 'https://me:hunter2@/' }],
  ['stop', { stop: 'http://encoder:99999/?key={id}&password=hunter2' }],
  ['state', { state: 'http://[' }],
  ['secret', { secret: 'hunter2' }],
  ['timeoutMs', { timeoutMs: 0 }],
])('the HTTP driver refuses a bad %s, without showing it if it is a secret', (name, more) => {
  const make = () => httpDriver({ start: 'http://encoder/', stop: 'http://encoder/', ...more });
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  expect(make).toThrow(name);
  expect(make).not.toThrow('hunter2');
});

it('the HTTP driver gives up at once on a server that changes the protocol', async () => {
  const server = createServer(({ socket }) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const driver = httpDriver({ start: `${url}/start`, stop: `${url}/stop` });
  const started = driver.start({ stream: 'cam1', values: { stream: 'cam1' } }, run);
  await expect(started).rejects.toThrow('/start was answered 101');
  server.close();
  server.closeAllConnections();
});

it('a URL of the HTTP driver may have placeholders for its host and port', () => {
  const url = 'http://camera-{id}.local:{port}/{stream}';
  expect(httpDriver({ start: url, stop: url, state: url }).name).toBe('http camera-id.local');
});
