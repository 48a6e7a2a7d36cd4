import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { WebSocket } from 'ws';
import { createVncProxy, type VncProxy, type VncProxyOptions } from '../src/index.js';
import { until } from '../../../test/support/until.js';
import { Client } from './support/client.js';

const desktops = new Set<Socket>();
const desktop = createServer((socket) => {
  desktops.add(socket);
  socket.on('close', () => desktops.delete(socket)).on('error', () => undefined);
  socket.write('RFB 003.008\n');
});
let tracker: SessionTracker;
let proxy: VncProxy;
let http: ReturnType<typeof createHttpServer>;
let client: Client;

beforeAll(async () => void (await once(desktop.listen(0, '127.0.0.1'), 'listening')));
afterAll(() => desktop.close());
afterEach(async () => {
  client.ws.terminate();
  await proxy.close();
  http.close();
  await tracker.stop();
  await until('no desktop is left connected', () => desktops.size === 0);
});

async function begin(options: Partial<VncProxyOptions> = {}): Promise<void> {
  const { port } = desktop.address() as AddressInfo;
  tracker = createTracker();
  const target = () => ({ host: '127.0.0.1', port });
  proxy = createVncProxy({ tracker, target, allow: [`127.0.0.1:${port}`], ...options });
  http = createHttpServer().on('upgrade', proxy.handleUpgrade);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  client = new Client(new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/desk1`, ['binary']));
  await until('it sees its desktop', () => client.received > 0);
}

describe('a viewer of a desktop that is not counted', () => {
  it('is closed with the proxy, and its desktop let go of', async () => {
    await begin({ hit: () => null });
    expect(tracker.count()).toBe(0);
    await proxy.close();
    await client.ended;
    expect(client.closed).toEqual({ code: 1001, reason: 'shutdown' });
    await until('the desktop is let go of', () => desktops.size === 0);
  });

  it('ends itself, and not the process, with a frame that makes no sense', async () => {
    await begin({ hit: () => null });
    (client.ws as unknown as { _socket: Socket })._socket.write(Buffer.alloc(10, 0xff));
    await client.ended;
    await until('the desktop is let go of', () => desktops.size === 0);
  });
});
