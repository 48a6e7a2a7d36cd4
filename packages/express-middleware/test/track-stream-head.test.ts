import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackStream, type PlaybackRequest, type PlaybackResponse } from '../src/index.js';
import { until } from '../../../test/support/until.js';
import { FRAMEWORKS } from './support/apps.js';
import { closeServers, serve } from './support/serve.js';

let tracker: SessionTracker;
/** Responses that a handler still has. */
let open: PlaybackResponse[];
beforeEach(() => {
  tracker = createTracker();
  open = [];
});
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

/** Two ways in which handlers begin what they never end. */
const HANDLERS: Record<string, (res: ServerResponse) => void> = {
  'writes at once': (res) => void res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': hello\n\n'),
  'sends its head first': (res) => {
    res.setHeader('Content-Type', 'text/event-stream');
    res.flushHeaders();
    setImmediate(() => res.write(': hello\n\n'));
  },
};
const endless = (begin: (res: ServerResponse) => void) => (_req: PlaybackRequest, res: PlaybackResponse) => {
  open.push(res);
  res.on('close', () => (open = open.filter((one) => one !== res)));
  begin(res as ServerResponse);
};

const cases = ['HEAD', 'OPTIONS'].flatMap((method) =>
  Object.entries(HANDLERS).map(([how, begin]) => [method, how, begin] as const),
);

describe.each(Object.entries(FRAMEWORKS))('a response without an end in %s', (_name, mounted) => {
  it.each(cases)('is answered to %s with its head alone, where the handler %s', async (method, _how, begin) => {
    const { url } = await serve(mounted('/events', trackStream(tracker, { stream: 'news' }), endless(begin)));
    const [response] = (await once(get(`${url}/events`, { agent: false, method }), 'response')) as [IncomingMessage];
    let body = '';
    response.on('data', (data: Buffer) => (body += data.toString()));
    await once(response, 'end');
    expect([response.statusCode, response.headers['content-type'], body]).toEqual([200, 'text/event-stream', '']);
    await until('the handler has none any more', () => open.length === 0);
    expect(tracker.list()).toEqual([]);
  });
});

it.each(cases)('HTTP/2 answers %s with the head alone, where the handler %s', async (method, _how, begin) => {
  const middleware = trackStream(tracker, { stream: 'news' });
  const handler = endless(begin);
  const server = http2.createServer((req, res) => middleware(req, res, () => handler(req, res))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = client.request({ ':method': method, ':path': '/' }, { endStream: true });
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  let body = '';
  stream.on('data', (data: Buffer) => (body += data.toString()));
  await once(stream, 'end');
  expect([head[':status'], head['content-type'], body]).toEqual([200, 'text/event-stream', '']);
  await until('the handler has none any more', () => open.length === 0);
  client.close();
  server.close();
});
