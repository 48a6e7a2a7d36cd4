import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { heldBytes } from '@stream-sessions/core/testing';
import { createRtspServer, type RtspServer } from '../src/index.js';
import { frame, packet, RtspClient, SDP } from './support/rtsp-client.js';
import { pace, stays, until } from '../../../test/support/until.js';

const START_TIMEOUT_MS = 2_000;
const MEGABYTE = 1024 * 1024;

/** What is thrown into the process fails the whole file: Jest sees to that. */
let server: RtspServer;
let port: number;
let tracker: SessionTracker;
let publisher: RtspClient;
let player: RtspClient;
const sockets = new Set<Socket>();

/** Says this and nothing more. */
async function raw(...parts: (Buffer | string)[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  await once(socket, 'connect');
  for (const part of parts) socket.write(part);
  return socket;
}

/** All that it is told until the server hangs up. */
async function lastWords(socket: Socket): Promise<string> {
  let said = '';
  socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
  await until('the server has hung up', () => socket.closed || socket.readableEnded);
  return said;
}

async function answerTo(...parts: (Buffer | string)[]): Promise<string> {
  const socket = await raw(...parts);
  let said = '';
  socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
  await until('it is answered', () => said.includes('\r\n\r\n'));
  socket.destroy();
  return said;
}

const request = (method: string, path: string, more = '', body = '') =>
  `${method} rtsp://127.0.0.1:${port}${path} RTSP/1.0\r\nCSeq: 1\r\n${more}\r\n${body}`;
const connections = (of = server) => (of as unknown as { relay: { connections: Set<unknown> } }).relay.connections.size;
const udpSockets = () => process.getActiveResourcesInfo().filter((name) => /udp/i.test(name)).length;
/** Of suites before this one in the same process. */
const udpBefore = udpSockets();

beforeAll(async () => {
  tracker = createTracker();
  server = createRtspServer({ tracker, startTimeoutMs: START_TIMEOUT_MS });
  ({ port } = await server.listen(0, '127.0.0.1'));
  publisher = new RtspClient(port);
  await publisher.publish('/live/cam1');
  player = new RtspClient(port);
  await player.play('/live/cam1');
  await until('the honest one plays', () => player.mediaBytes > 0);
});

afterEach(async () => {
  sockets.forEach((socket) => socket.destroy());
  await until('strangers are forgotten', () => connections() === 2);
  const then = player.mediaBytes;
  await until('the honest one plays on', () => player.mediaBytes > then);
  expect(tracker.count({ status: 'active' })).toBe(2);
  expect(udpSockets()).toBe(udpBefore);
});

afterAll(async () => {
  publisher.drop();
  player.drop();
  await server.close();
  await tracker.stop();
});

describe('hangs up, with a status if possible, on', () => {
  it.each([
    ['garbage', 'GARBAGE\r\n\r\n', 400],
    ['bytes', Buffer.from([0, 1, 2, 255, 254]), 400],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), 400],
    ['a head over 16 KB', `OPTIONS * RTSP/1.0\r\nX: ${'y'.repeat(20_000)}`, 413],
    ['a thousand headers', `OPTIONS * RTSP/1.0\r\n${'A: b\r\n'.repeat(1_000)}\r\n`, 400],
    ['a body over 64 KB', 'ANNOUNCE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 70000\r\n\r\n', 413],
    ['an invalid length', 'ANNOUNCE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\nContent-Length: ten\r\n\r\n', 400],
  ])('%s', async (_what, said, status) => {
    expect(await lastWords(await raw(said))).toMatch(new RegExp(`^RTSP/1\\.0 ${status} `));
  });
});

it('the server answers requests that make no sense with an error', async () => {
  expect(await answerTo('OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n')).toMatch(/^RTSP\/1\.0 505 /);
  expect(await answerTo('OPTIONS * RTSP/1.0\r\n\r\n')).toMatch(/^RTSP\/1\.0 400 /);
  expect(await answerTo(request('PLAY', '/live/cam1'))).toMatch(/^RTSP\/1\.0 454 /);
  expect(await answerTo(request('RECORD', '/live/cam1'))).toMatch(/^RTSP\/1\.0 454 /);
  expect(await answerTo(request('DESCRIBE', '/%zz'))).toMatch(/^RTSP\/1\.0 400 /);
  expect(await answerTo(request('DESCRIBE', '/../../etc/passwd'))).toMatch(/^RTSP\/1\.0 400 /);
  expect(await answerTo(request('SETUP', '/live/cam1/trackID=99999', 'Transport: RTP/AVP/TCP\r\n'))).toMatch(
    /^RTSP\/1\.0 404 /,
  );
});

it('the server understands a request in single bytes, and a body in three segments', async () => {
  const socket = await raw();
  let said = '';
  socket.on('data', (data: Buffer) => (said += data.toString()));
  socket.setNoDelay(true);
  const announce = request(
    'ANNOUNCE',
    '/live/split',
    `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n`,
  );
  for (const byte of announce) socket.write(byte);
  for (const part of [SDP.slice(0, 10), SDP.slice(10, 60), SDP.slice(60)]) {
    await stays('it says nothing', () => said === '', 20);
    socket.write(part);
  }
  await until('it is answered', () => said.startsWith('RTSP/1.0 200'));
});

it('the server survives publishers whose body is longer or shorter than they say', async () => {
  const type = 'Content-Type: application/sdp\r\n';
  const short = await raw(request('ANNOUNCE', '/live/a', `${type}Content-Length: ${SDP.length - 20}\r\n`, SDP));
  expect(await lastWords(short)).toMatch(/^RTSP\/1\.0 (200|400) [^]*RTSP\/1\.0 400 /);
  const long = await raw(request('ANNOUNCE', '/live/b', `${type}Content-Length: ${SDP.length + 2_000}\r\n`, SDP));
  expect(await lastWords(long)).toBe(''); // waits for the rest, and then no more
  const cut = await raw(request('ANNOUNCE', '/live/c', `${type}Content-Length: 60000\r\n`, SDP));
  cut.destroy();
});

it('the server accepts `$` frames at any point', async () => {
  const junk = [frame(0, packet(1)), frame(255, Buffer.alloc(0)), frame(7, Buffer.alloc(65_535))];
  const one = new RtspClient(port);
  const say = () => junk.forEach((each) => one.say(each));
  say();
  await one.ask('OPTIONS', '*');
  say();
  await one.ask('DESCRIBE', one.url('/live/cam1'));
  say();
  await one.setUp(one.url('/live/cam1/trackID=0'), 0);
  say();
  expect((await one.ask('PLAY', one.url('/live/cam1'))).status).toBe(200);
  say();
  await until('it plays', () => one.mediaBytes > 0);
  // as a publisher: media before RECORD, on channels of nobody, and packets that are none
  const two = new RtspClient(port);
  await two.announce('/live/junk');
  junk.forEach((each) => two.say(each));
  await two.publish('/live/junk');
  for (let lane = 0; lane < 4; lane++)
    for (const bytes of [0, 1, 11, 12]) two.say(frame(lane, Buffer.alloc(bytes, 0x80)));
  two.say(frame(99, packet(1)));
  expect((await two.ask('OPTIONS', '*')).status).toBe(200);
  one.drop();
  two.drop();
});

it('the server refuses names and tokens that are too long, and opens no session for them', async () => {
  const { openedTotal } = tracker.stats();
  expect(await answerTo(request('DESCRIBE', `/live/cam1?token=${'x'.repeat(5_000)}`))).toMatch(/^RTSP\/1\.0 403 /);
  const announce = (path: string) =>
    request('ANNOUNCE', path, `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n`, SDP);
  expect(await answerTo(announce(`/${'x'.repeat(300)}`))).toMatch(/^RTSP\/1\.0 400 /);
  expect(tracker.stats().openedTotal).toBe(openedTotal);
});

it('the server hangs up on a client that sends nothing, or half a request byte by byte', async () => {
  const half = request('DESCRIBE', '/live/cam1');
  const slow = [
    await raw(),
    await raw(half.slice(0, 20)),
    await raw('$'),
    await raw(Buffer.from([0x24, 0, 255, 255, 1])),
  ];
  const dripping = await raw('OPTIONS * RTSP/1.0\r\n');
  const drip = setInterval(() => dripping.write('X'), 20);
  const busy = await raw();
  const ask = setInterval(() => busy.write('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'), 20);
  await Promise.all([...slow, dripping, busy].map(lastWords));
  clearInterval(drip);
  clearInterval(ask);
});

it('the server keeps nothing of a client that sends SETUP again and again', async () => {
  const one = new RtspClient(port, { over: 'udp' });
  const ports = [];
  for (let i = 0; i < 50; i++) {
    const setUp = await one.ask('SETUP', one.url('/live/cam1/trackID=0'), {
      Transport: `RTP/AVP;unicast;client_port=${20_000 + 2 * i}-${20_001 + 2 * i}`,
    });
    one.session ??= setUp.headers['session']?.split(';')[0];
    ports.push(setUp.status);
    expect(udpSockets() - udpBefore).toBeLessThanOrEqual(4);
  }
  expect(new Set(ports)).toEqual(new Set([200]));
  expect(tracker.count({ status: 'active', kind: 'viewer' })).toBe(2);
  one.drop();
});

it('the server bounds what waits for a client that does not read its responses', async () => {
  const own = createRtspServer({ startTimeoutMs: 0, maxBufferBytes: 65_536 });
  const deaf = connect((await own.listen(0, '127.0.0.1')).port, '127.0.0.1').on('error', () => undefined);
  deaf.pause();
  await until('it is there', () => connections(own) === 1);
  const before = heldBytes();
  const question = Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(1_000));
  const ask = setInterval(() => deaf.writableLength < MEGABYTE && deaf.write(question), 1);
  await until('it is cut', () => connections(own) === 0);
  clearInterval(ask);
  expect(heldBytes() - before).toBeLessThan(20 * MEGABYTE);
  deaf.destroy();
  await own.close();
});

it('the server survives any bytes on a connection, alone and after a good beginning', async () => {
  const beginnings = [
    '',
    request('OPTIONS', '/'),
    request('DESCRIBE', '/live/cam1'),
    request('SETUP', '/live/cam1/trackID=0', 'Transport: RTP/AVP/TCP\r\n'),
  ];
  const lines = fc.constantFrom(
    'DESCRIBE',
    ' ',
    'rtsp://h/live/cam1',
    'RTSP/1.0',
    '\r\n',
    'CSeq: 1',
    '$',
    'Transport: RTP/AVP',
    ';',
    '=',
    ',',
  );
  const text = fc.array(lines, { maxLength: 30 }).map((parts) => Buffer.from(parts.join('')));
  const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...beginnings),
      fc.array(fc.oneof(text, bytes), { maxLength: 4 }),
      async (beginning, parts) => {
        const socket = await raw(beginning, ...parts);
        socket.resume();
        socket.end();
        await once(socket, 'close');
      },
    ),
    { numRuns: 200 },
  );
});

it('the server survives requests with single wrong bytes', async () => {
  const good = Buffer.from(
    request('DESCRIBE', '/live/cam1?token=abc') +
      request('SETUP', '/live/cam1/trackID=0', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n'),
  );
  for (let at = 0; at < good.length; at += 3) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] as number) ^ 0x15;
    (await raw(bad)).resume();
  }
  await pace(100);
  sockets.forEach((socket) => socket.destroy());
  await until('they are gone', () => tracker.count({ status: 'active' }) === 2);
});

/** In a process of its own, for the files that one may have open are counted. */
const SILENT = `
  const { connect } = require('node:net');
  const [port, count] = process.argv.slice(1).map(Number);
  let [tried, made, ended] = [0, 0, 0];
  const one = () => {
    if (tried++ >= count) return;
    const socket = connect(port, '127.0.0.1', () => { made++; one(); });
    socket.on('error', () => undefined);
    socket.on('close', () => { ended++; });
    socket.resume();
  };
  for (let i = 0; i < 200; i++) one();
  setInterval(() => process.send({ made, ended }), 50);
`;

it('the server holds ten thousand silent connections, serves others meanwhile, and then releases them', async () => {
  const own = createRtspServer({ startTimeoutMs: 8_000 });
  const to = (await own.listen(0, '127.0.0.1')).port;
  await new RtspClient(to).publish('/live/cam1');
  const before = heldBytes();
  const silent = spawn(process.execPath, ['-e', SILENT, String(to), '10000'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let [made, ended, most] = [0, 0, 0];
  silent.on('message', (told: { made: number; ended: number }) => ({ made, ended } = told));
  try {
    await until('thousands are there', () => made >= 3_000, 30_000);
    const late = new RtspClient(to);
    expect((await late.play('/live/cam1')).status).toBe(200);
    await until('an honest one plays meanwhile', () => late.mediaBytes > 0);
    await until(
      'all were there',
      () => {
        most = Math.max(most, connections(own));
        return made >= 10_000;
      },
      30_000,
    );
    expect(most).toBeLessThanOrEqual(5_002); // the oldest make room
    expect(heldBytes() - before).toBeLessThan(100 * MEGABYTE);
    await until('all were hung up on', () => ended >= 10_000, 30_000);
    expect([late.ended, connections(own)]).toEqual([false, 2]);
  } finally {
    silent.kill('SIGKILL');
    await own.close();
  }
}, 120_000);
