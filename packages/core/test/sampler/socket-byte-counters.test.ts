import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SocketByteCounters } from '../../src/spi.js';

let server: Server;
let client: Socket;
let socket: Socket;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [socket] = (await once(server, 'connection')) as [Socket];
  client.on('error', () => undefined);
  socket.on('error', () => undefined);
});
afterEach(async () => {
  client.destroy();
  socket.destroy();
  server.close();
  await once(server, 'close');
});

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

/** Writes until the client's window and the kernel's buffer are full. */
async function fill(): Promise<number> {
  client.pause();
  let written = 0;
  for (let last = -1, quiet = 0; quiet < 50;) {
    if (socket.writableLength < 100_000) written += (socket.write(Buffer.alloc(65_536)), 65_536);
    await new Promise((resolve) => setImmediate(resolve));
    quiet = socket.writableLength === last && last > 0 ? quiet + 1 : 0;
    last = socket.writableLength;
  }
  return written;
}

it('socket counters count what is written and read from when they were made', async () => {
  socket.write('before');
  const counters = new SocketByteCounters(socket);
  let got = 0;
  client.on('data', (data: Buffer) => (got += data.length));
  client.write('hello');
  socket.write('x'.repeat(1000));
  await until(() => got === 1006 && counters.received() === 5);
  expect([counters.sent(), counters.received(), counters.waiting()]).toEqual([1000, 5, 0]);
});

it('socket counters leave out what the client has no room for, and report it as waiting', async () => {
  const counters = new SocketByteCounters(socket);
  const written = await fill();
  expect(counters.waiting()).toBeGreaterThan(0);
  expect(counters.sent()).toBe(written - socket.writableLength + partOfTheWrite(counters, written));
  expect(counters.sent()).toBeLessThan(written);
});

/** Of the write in progress the kernel may have taken a part. */
const partOfTheWrite = (counters: SocketByteCounters, written: number) => {
  const part = counters.sent() - (written - socket.writableLength);
  expect(part).toBeGreaterThanOrEqual(0);
  expect(part).toBeLessThan(socket.writableLength);
  return part;
};

it('socket counters report what had left a destroyed socket, no less than the client got', async () => {
  const counters = new SocketByteCounters(socket);
  const written = await fill();
  const sent = counters.sent();
  socket.destroy();
  await once(socket, 'close');
  expect(counters.sent()).toBe(sent);
  let got = 0;
  client.on('data', (data: Buffer) => (got += data.length));
  client.resume();
  await once(client, 'close');
  expect(got).toBeGreaterThan(0);
  expect(sent).toBeGreaterThanOrEqual(got);
  expect(sent).toBeLessThan(written);
});

it('socket counters do not take corked bytes for a stall', () => {
  const counters = new SocketByteCounters(socket);
  socket.cork();
  socket.write('held back by the server itself');
  expect([counters.waiting(), counters.sent()]).toEqual([0, 0]);
});

it('several socket counters in a row on one socket count separately, and leave the socket as it was', async () => {
  const untouched = socket._destroy;
  for (const text of ['one', 'three']) {
    const counters = new SocketByteCounters(socket);
    socket.write(text);
    await until(() => socket.writableLength === 0);
    counters.release();
    socket.write('after');
    await until(() => socket.writableLength === 0);
    expect(counters.sent()).toBe(text.length);
  }
  expect(socket._destroy).toBe(untouched);
});
