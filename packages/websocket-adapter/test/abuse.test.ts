import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { pace, until } from '../../../test/support/until.js';
import type { Client } from './support/client.js';
import { statusOf, upgradeRequest } from './support/raw.js';
import { Stage } from './support/stage.js';

let stage: Stage;
let honest: Client;
const died: unknown[] = [];
const note = (error: unknown): void => void died.push(error);
const sockets: Socket[] = [];

beforeAll(() => process.on('uncaughtException', note));
afterAll(() => process.off('uncaughtException', note));
beforeEach(async () => {
  stage = (await Stage.start({ server: { maxPayload: 1024 * 1024 } })).sendsMedia();
  honest = stage.connect('/live/honest');
  await until('the honest one plays', () => honest.received > 0);
});
afterEach(async () => {
  const then = honest.received;
  await until('the honest one plays on', () => honest.received > then);
  for (const socket of sockets.splice(0)) socket.destroy();
  await until('the others are gone', () => stage.wss.clients.size === 1);
  expect(stage.tracker.list({ status: 'active' }).map(({ stream }) => stream)).toEqual(['honest']);
  expect(died).toEqual([]);
  await stage.stop();
});

/** A client that has been upgraded, and now does what it likes. */
async function intruder(): Promise<Socket> {
  const socket = connect(stage.port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  socket.write(upgradeRequest('/live/cam1'));
  await once(socket, 'data');
  return socket;
}

/** Not `once` of events, which fails at an error: a reset is one. */
const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

/** A masked frame of a client; the mask is zero, so the payload is as it is. */
function frame(head: number, payload: Buffer, says = payload.length): Buffer {
  const length = Buffer.alloc(says < 126 ? 2 : says < 65_536 ? 4 : 10);
  length[0] = head;
  length[1] = 0x80 | (says < 126 ? says : says < 65_536 ? 126 : 127);
  if (length.length === 4) length.writeUInt16BE(says, 2);
  if (length.length === 10) length.writeBigUInt64BE(BigInt(says), 2);
  return Buffer.concat([length, Buffer.alloc(4), payload]);
}
const [FRAGMENT, BINARY, PING] = [0x00, 0x82, 0x89];
const many = (part: Buffer, count: number): Buffer => Buffer.concat(Array<Buffer>(count).fill(part));

it('a flood of pings whose answers are not read is survived: what waits is bounded', async () => {
  const socket = await intruder();
  socket.pause();
  const pings = many(frame(PING, randomBytes(125)), 5_000);
  for (let round = 0; round < 40 && !socket.destroyed; round++) {
    socket.write(pings);
    await pace(5);
  }
  for (const ws of stage.wss.clients) expect(ws.bufferedAmount).toBeLessThan(64 * 1024);
});

it.each([
  ['fragments without an end', () => many(frame(FRAGMENT, Buffer.alloc(1)), 20_000), 0x02],
  ['a frame that is longer than the server allows', () => frame(BINARY, Buffer.alloc(1_000), 2 ** 40), undefined],
  ['a frame that is not masked', () => Buffer.from([0x82, 1, 1]), undefined],
  ['an unknown opcode', () => frame(0x8f, Buffer.alloc(1)), undefined],
  ['compression that was not agreed on', () => frame(0xc2, Buffer.alloc(10)), undefined],
  ['a fragmented ping', () => frame(0x09, Buffer.alloc(10)), undefined],
  ['a close with half a code', () => frame(0x88, Buffer.alloc(1)), undefined],
])('a client that sends %s is disconnected', async (_what, sent, first) => {
  const socket = await intruder();
  socket.resume();
  if (first !== undefined) socket.write(frame(first, Buffer.alloc(1)));
  socket.write(sent());
  await closed(socket);
  await until('it is closed', () => stage.tracker.list({ status: 'closed' }).length === 1);
  expect(stage.tracker.list({ status: 'closed' })[0]).toMatchObject({ closeReason: 'client_gone' });
});

it('a flood of data is counted, and its client is cut when it is kicked', async () => {
  const socket = await intruder();
  socket.resume();
  const flood = many(frame(BINARY, Buffer.alloc(60_000)), 20);
  const timer = setInterval(() => socket.writableLength < 10_000_000 && socket.write(flood), 1);
  const flooding = () => stage.tracker.list({ stream: 'cam1', status: 'active' })[0];
  await until('it is counted', () => (flooding()?.bytesReceived ?? 0) > 1_000_000);
  stage.tracker.kick(flooding()!.id);
  await closed(socket);
  clearInterval(timer);
});

it('an invalid upgrade is refused, and the tracker is not asked', async () => {
  const { openedTotal } = stage.tracker.stats();
  const games: Record<string, string | undefined>[] = [
    { 'Sec-WebSocket-Key': undefined },
    { 'Sec-WebSocket-Key': 'short' },
    { 'Sec-WebSocket-Version': '7' },
    { 'Sec-WebSocket-Version': undefined },
    { Upgrade: 'h2c' },
    { 'Sec-WebSocket-Protocol': 'a, a' },
    { 'Sec-WebSocket-Protocol': ',' },
  ];
  const statuses = await Promise.all(games.map((game) => statusOf(stage.port, upgradeRequest('/live/cam1', game))));
  expect(statuses).toEqual(games.map(() => 400));
  const post = Buffer.from(upgradeRequest('/live/cam1').toString().replace('GET', 'POST'));
  expect(await statusOf(stage.port, post)).toBe(405);
  expect(stage.tracker.stats().openedTotal).toBe(openedTotal);
});

it('every request gets an answer, whatever its target, token, cookie and address', async () => {
  const text = fc.stringMatching(/^[!-~]{0,60}$/);
  await fc.assert(
    fc.asyncProperty(text, text, text, async (target, header, cookie) => {
      const request = upgradeRequest(`/${target}`, {
        Authorization: header,
        Cookie: `token=${cookie}; ${cookie}`,
        'X-Forwarded-For': header,
        'User-Agent': cookie,
      });
      expect([101, 400]).toContain(await statusOf(stage.port, request));
    }),
    { numRuns: 60 },
  );
});

it('three hundred clients that hang up at once are forgotten', async () => {
  const request = upgradeRequest('/live/cam1');
  for (let i = 0; i < 300; i++) {
    const socket = connect(stage.port, '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    socket.write(request, () => (i % 2 ? socket.destroy() : socket.resetAndDestroy()));
  }
  await until('all are gone', () => stage.wss.clients.size === 1 && stage.tracker.count() <= 1);
});
