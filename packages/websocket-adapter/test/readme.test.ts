import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { WebSocket, WebSocketServer } from 'ws';
import { attachWebSocketServer } from '../src/index.js';
import { until } from '../../../test/support/until.js';

const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const [first, publishing, naming, many, vnc] = examples as [string, string, string, string, string];
/** As Jest maps it: the packages from their sources. */
const requireHere: NodeJS.Require = require;

function run<T>(code: string, names: string, given: Record<string, unknown>): T {
  const program = compileFunction(`${code}\nreturn { ${names} };`, ['require', ...Object.keys(given)]);
  return program(requireHere, ...Object.values(given)) as T;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const end: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of end.splice(0)) await each();
});

async function listen(): Promise<{ server: Server; tracker: SessionTracker }> {
  const [server, tracker] = [createServer(), createTracker()];
  await once(server.listen(0, '127.0.0.1'), 'listening');
  end.push(
    () => tracker.stop(),
    () => server.close(),
  );
  return { server, tracker };
}

it('the first example runs, and reports a viewer that gets media', async () => {
  const output: string[] = [];
  const { server, tracker } = run<{ server: Server; tracker: SessionTracker }>(first, 'server, tracker', {
    console: { log: (text: string) => output.push(text) },
    process: { env: { PORT: '0' } },
  });
  end.push(
    () => tracker.stop(),
    () => server.close(),
  );
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${portOf(server)}/live/cam1`);
  const [media] = (await once(client, 'message')) as [Buffer];
  expect([String(media), output.length, output[0]]).toEqual(['your media', 1, expect.stringContaining('watches cam1')]);
});

it('the example of publishers runs', async () => {
  const { server, tracker } = await listen();
  run(publishing, '', { attachWebSocketServer, wss: new WebSocketServer({ server }), tracker });
  await once(new WebSocket(`ws://127.0.0.1:${portOf(server)}/publish/cam1`), 'open');
  expect(tracker.list().map(({ kind, stream }) => [kind, stream])).toEqual([['input', 'cam1']]);
});

it('the example that reads a token from the subprotocols runs', async () => {
  const { server } = await listen();
  const seen: unknown[] = [];
  const tracker = createTracker({
    policies: [{ name: 'door', admit: ({ credentials }) => (seen.push(credentials), { allow: true }) }],
  });
  end.push(() => tracker.stop());
  run(naming, '', { attachWebSocketServer, wss: new WebSocketServer({ server }), tracker });
  await once(new WebSocket(`ws://127.0.0.1:${portOf(server)}/cam1`, ['binary', 'token.a.b-c']), 'open');
  expect(seen).toEqual([{ scheme: 'bearer', token: 'a.b-c' }]);
});

it('the example of two servers on one HTTP server runs', async () => {
  const { server, tracker } = await listen();
  const [chat, media] = [new WebSocketServer({ noServer: true }), new WebSocketServer({ noServer: true })];
  run(many, '', { server, chat, media });
  attachWebSocketServer(media, tracker);
  const chatting = new WebSocket(`ws://127.0.0.1:${portOf(server)}/chat`);
  end.push(() => chatting.terminate());
  await once(chatting, 'open');
  await once(new WebSocket(`ws://127.0.0.1:${portOf(server)}/live/cam1`), 'open');
  await until('one is listed', () => tracker.count() === 1);
});

it('the example of desktops runs', async () => {
  const desk = createTcpServer((socket) => void socket.end('RFB 003.008\n'));
  await once(desk.listen(0, '127.0.0.1'), 'listening');
  const { port } = desk.address() as AddressInfo;
  const own = vnc
    .replace('desk1.office.example', '127.0.0.1')
    .replace('5901', `${port}`)
    .replace("'127.0.0.1']", `'127.0.0.1:${port}']`);
  const { server, tracker } = run<{ server: Server; tracker: SessionTracker }>(own, 'server, tracker', {
    process: { env: { PORT: '0' } },
  });
  end.push(
    () => tracker.stop(),
    () => server.close(),
    () => desk.close(),
  );
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${portOf(server)}/desk1`);
  const [media] = (await once(client, 'message')) as [Buffer];
  expect([String(media), tracker.list()[0]?.protocol]).toEqual(['RFB 003.008\n', 'vnc']);
});
