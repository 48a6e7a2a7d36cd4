import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createTracker } from '@stream-sessions/core';
import { heldBytes } from '@stream-sessions/core/testing';
import { WebSocketServer } from 'ws';
import { until } from '../../../test/support/until.js';
import { attachWebSocketServer } from '../src/index.js';
import { upgradeRequest } from './support/raw.js';

const MANY = 1_000;
/** As many connect at once as any backlog of the kernel has room for. */
const AT_ONCE = 100;
/** 1,130 where there are ten thousand; here code and tables are shared by fewer. */
const MOST = 1_500;
/** The machine may be busy. */
const PATIENCE_MS = 30_000;

/** Bytes on the heap for each of many idle WebSockets, both of its ends. */
async function bytesEach(isTracked: boolean): Promise<number> {
  const server = createServer();
  const wss = new WebSocketServer({ server });
  const tracker = createTracker();
  if (isTracked) attachWebSocketServer(wss, tracker);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const before = heldBytes();
  const sockets: Socket[] = [];
  while (sockets.length < MANY) {
    for (let i = 0; i < AT_ONCE; i++) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.write(upgradeRequest(`/live/cam1?token=t${sockets.length}`));
      sockets.push(socket.resume());
    }
    await until('all are connected', () => wss.clients.size === sockets.length, PATIENCE_MS);
  }
  expect(tracker.count({ status: 'active' })).toBe(isTracked ? MANY : 0);
  const each = (heldBytes() - before) / MANY;
  for (const socket of sockets) socket.destroy();
  await until('all are gone', () => wss.clients.size === 0, PATIENCE_MS);
  server.close();
  await tracker.stop();
  return each;
}

it(
  'an idle WebSocket costs little memory, its session included',
  async () => {
    // the first of everything makes code and shapes, which stay
    for (const isTracked of [true, false]) await bytesEach(isTracked);
    const differences: number[] = [];
    for (let round = 0; round < 3; round++) {
      const bare = await bytesEach(false);
      differences.push((await bytesEach(true)) - bare);
    }
    // what else is made meanwhile is in one of them, not in all
    expect(Math.min(...differences)).toBeLessThan(MOST);
  },
  8 * PATIENCE_MS,
);
