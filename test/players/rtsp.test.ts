import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { createTracker, type PlaySession, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { attachRtsp, createRtspServer, type Attachment, type RtspServer } from '@stream-sessions/rtsp-adapter';
import { certificate } from '../../packages/rtsp-adapter/test/support/certificate.js';
import { doorkeeper } from './support/doorkeeper.js';
import { startCountingProxy, type CountingProxy } from './support/counting-proxy.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { encodeLoop } from './support/live-flv.js';
import { program } from './support/programs.js';
import { startRtspUdpProxy } from './support/rtsp-udp-proxy.js';
import { until } from './support/until.js';

/** A player that says how it ended. */
interface Player {
  readonly media: () => number;
  readonly isOver: () => boolean;
  readonly told: () => string;
  kill(signal: NodeJS.Signals): void;
}

/** A way to publish and to play, with a stream of its own. */
interface Way {
  readonly stream: string;
  readonly scheme: 'rtsp' | 'rtsps';
  readonly transport: 'tcp' | 'udp';
  proxy(port: number): Promise<CountingProxy>;
}

const ways: Way[] = [
  { stream: 'over-tcp', scheme: 'rtsp', transport: 'tcp', proxy: startCountingProxy },
  { stream: 'over-udp', scheme: 'rtsp', transport: 'udp', proxy: startRtspUdpProxy },
  { stream: 'over-tls', scheme: 'rtsps', transport: 'tcp', proxy: startCountingProxy },
];

/** All ways at the same time; a failure says which it was. */
const inEachWay = (body: (way: Way) => Promise<void>) => () =>
  Promise.all(
    ways.map((way) =>
      body(way).catch((cause: Error) => {
        throw new Error(`${way.stream}: ${cause.message}`, { cause });
      }),
    ),
  ).then(() => undefined);

const children = new Set<ChildProcess>();

function run(name: string, args: string[]): Player {
  const child = spawn(program(name), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let [media, told, over] = [0, '', false];
  child.stdout.on('data', (data: Buffer) => (media += data.length));
  child.stderr.on('data', (data: Buffer) => (told += data.toString()));
  child.once('close', () => {
    children.delete(child);
    over = true;
  });
  return { media: () => media, isOver: () => over, told: () => told, kill: (signal) => child.kill(signal) };
}

let [plain, secure] = [0, 0];
const portOf = ({ scheme }: Way) => (scheme === 'rtsps' ? secure : plain);

function play({ scheme, transport, stream }: Way, port: number, token: string): Player {
  const quickly = ['-fflags', 'nobuffer', '-analyzeduration', '200000'];
  const input = [
    '-rtsp_transport',
    transport,
    '-user_agent',
    'MyUA/1.0',
    '-i',
    `${scheme}://127.0.0.1:${port}/live/${stream}?token=${token}`,
  ];
  return run('ffmpeg', [
    '-hide_banner',
    '-nostdin',
    '-v',
    'error',
    ...quickly,
    ...input,
    '-c',
    'copy',
    '-f',
    'mpegts',
    'pipe:1',
  ]);
}

function publish(way: Way, file: string): void {
  const input = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', file, '-c', 'copy'];
  const to = `${way.scheme}://127.0.0.1:${portOf(way)}/live/${way.stream}?token=publisher`;
  run('ffmpeg', [...input, '-f', 'rtsp', '-rtsp_transport', way.transport, to]);
}

let folder: string;
let server: RtspServer;
let tracker: SessionTracker;
let attachment: Attachment;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  const loop = encodeLoop(folder);
  tracker = createTracker({ policies: [doorkeeper] });
  server = createRtspServer();
  attachment = attachRtsp(server, tracker);
  plain = (await server.listen(0, '127.0.0.1')).port;
  secure = (await server.listen({ port: 0, host: '127.0.0.1', tls: certificate() })).port;
  for (const way of ways) publish(way, loop);
  await until('all are on air', () => server.streams.length === ways.length);
}, 60_000);

afterAll(async () => {
  endPlayers();
  children.forEach((child) => child.kill('SIGKILL'));
  await server.close();
  await tracker.stop();
  rmSync(folder, { recursive: true, force: true });
});

const viewers = ({ stream }: { stream: string }) => tracker.list({ status: 'active', kind: 'viewer', stream });
const lists = (way: Way, count: number) => until(`${count} are listed`, () => viewers(way).length === count);
const closedAs = (session: PlaySession) => tracker.get(session.id)?.closeReason;

it(
  'publisher and player are listed with their details, and the bytes that a proxy passed to the player count',
  inEachWay(async (way) => {
    const proxy = await way.proxy(portOf(way));
    const player = play(way, proxy.port, 'alice');
    await until('it plays', () => player.media() > 100_000);
    const [session] = viewers(way);
    expect(session).toMatchObject({ kind: 'viewer', protocol: 'rtsp', namedBy: 'token', userAgent: 'MyUA/1.0' });
    expect([session!.ip, session!.secure]).toEqual(['127.0.0.1', way.scheme === 'rtsps']);
    expect(tracker.streams()).toContainEqual(expect.objectContaining({ stream: way.stream, viewers: 1, inputs: 1 }));
    const [input] = tracker.list({ kind: 'input', stream: way.stream, status: 'active' });
    expect(input).toMatchObject({ protocol: 'rtsp', userAgent: expect.stringMatching(/^Lavf/) as string });
    await until('what it sends is counted', () => tracker.get(input!.id)!.bytesReceived > 100_000);

    const readings = new Set<number>();
    const reading = () => tracker.get(session!.id)!.bytes;
    await until('its bytes have grown some times', () => readings.add(reading()).size > 3);
    await until('it has played for some seconds', () => proxy.passed() > 900_000);
    player.kill('SIGTERM');
    await lists(way, 0);
    expect(closedAs(session!)).toBe('client_gone');
    expect(Math.abs(reading() / proxy.passed() - 1)).toBeLessThan(0.02);
    await proxy.stop();
  }),
  60_000,
);

it(
  'the session of a player that was killed is closed',
  inEachWay(async (way) => {
    const player = play(way, portOf(way), 'bob');
    await until('it plays', () => player.media() > 0);
    const [session] = viewers(way);
    player.kill('SIGKILL');
    await lists(way, 0);
    expect(closedAs(session!)).toBe('client_gone');
  }),
  60_000,
);

it.each(['never', 'later'])(
  'a client who may %s play is refused, with the reason',
  (token) =>
    inEachWay(async (way) => {
      const since = Date.now();
      const player = play(way, portOf(way), token);
      await until('it is over', player.isOver);
      expect(Date.now() - since).toBeLessThan(5_000); // three programs start at once
      expect(player.media()).toBe(0);
      expect(player.told()).toMatch(/401 Unauthorized: unauthorized: no such token/);
      expect(viewers(way)).toEqual([]);
    })(),
  60_000,
);

it(
  'a kicked player ends within a second and stays out, and its neighbour plays on',
  inEachWay(async (way) => {
    const neighbour = play(way, portOf(way), 'neighbour');
    await until('one plays', () => neighbour.media() > 0);
    const kicked = play(way, portOf(way), 'mallory');
    await until('both play', () => kicked.media() > 0);
    const session = viewers(way)[1]!; // in the order of their coming
    const since = Date.now();
    expect(tracker.kick(session.id)).toBe(true);
    await until('it is over', kicked.isOver, { timeoutMs: 3_000, everyMs: 10 });
    expect(Date.now() - since).toBeLessThan(1_000);
    const again = play(way, portOf(way), 'mallory');
    await until('it is refused', again.isOver);
    expect([again.media(), again.told()]).toEqual([0, expect.stringMatching(/403 Forbidden: /)]);
    const then = neighbour.media();
    await until('the neighbour plays on', () => neighbour.media() > then + 50_000);
    neighbour.kill('SIGKILL');
    await lists(way, 0);
    tracker.denials().forEach(({ id, target }) => target.stream === way.stream && tracker.liftDenial(id));
  }),
  60_000,
);

it('HLS and RTSP viewers of a channel are viewers of one stream', async () => {
  const [way] = ways as [Way];
  mkdirSync(path.join(folder, 'hls', way.stream), { recursive: true });
  const playlist = path.join(folder, 'hls', way.stream, 'index.m3u8');
  const loop = ['-stream_loop', '5', '-i', path.join(folder, 'loop.flv'), '-c', 'copy', '-f', 'hls'];
  execFileSync(program('ffmpeg'), ['-v', 'error', ...loop, '-hls_time', '2', '-hls_list_size', '0', playlist]);
  const app = express().use('/live', trackPlayback(tracker), express.static(path.join(folder, 'hls')));
  const http = app.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const overHls = playWithFfmpeg(`http://127.0.0.1:${port}/live/${way.stream}/index.m3u8?token=h`);
  const overRtsp = play(way, plain, 'r');
  await until('both are seen', () => overRtsp.media() > 0 && viewers(way).length === 2);
  expect(
    viewers(way)
      .map(({ protocol }) => protocol)
      .sort(),
  ).toEqual(['hls', 'rtsp']);
  expect(tracker.streams()).toContainEqual(expect.objectContaining({ stream: way.stream, viewers: 2, inputs: 1 }));
  overHls.kill('SIGKILL');
  overRtsp.kill('SIGKILL');
  await overHls.ended;
  http.close();
  http.closeAllConnections();
}, 60_000);

it('GStreamer publishes and plays, over TCP and UDP', async () => {
  const url = (stream: string, token: string) => `rtsp://127.0.0.1:${plain}/live/${stream}?token=${token}`;
  await Promise.all(
    ['tcp', 'udp'].map(async (transport) => {
      const stream = `gst-${transport}`;
      const picture = [
        'videotestsrc',
        'is-live=true',
        '!',
        'video/x-raw,format=I420,width=320,height=240',
        '!',
        'jpegenc',
      ];
      const to = ['!', 'rtspclientsink', `location=${url(stream, 'p')}`, `protocols=${transport}`];
      const publisher = run('gst-launch-1.0', ['-q', ...picture, ...to]);
      await until(`${stream} is on air`, () => server.streams.includes(stream) || publisher.isOver());
      expect(publisher.told()).toBe('');
      const from = ['rtspsrc', `location=${url(stream, 'abc')}`, `protocols=${transport}`, 'latency=50'];
      const player = run('gst-launch-1.0', ['-q', ...from, '!', 'rtpjpegdepay', '!', 'fdsink']);
      await until('it plays', () => player.media() > 50_000);
      const [session] = viewers({ stream });
      expect(session).toMatchObject({ namedBy: 'token', userAgent: expect.stringMatching(/^GStreamer/) as string });
      await until('it is counted', () => tracker.get(session!.id)!.bytes >= 50_000);
      player.kill('SIGINT');
      await until('it has gone', () => viewers({ stream }).length === 0);
      publisher.kill('SIGKILL');
    }),
  );
}, 60_000);

it('streaming goes on when the adapter is detached', async () => {
  const playing = ways.map((way) => play(way, portOf(way), 'last'));
  await until('all play', () => playing.every((player) => player.media() > 0));
  await attachment.detach();
  expect(tracker.count({ status: 'active', protocol: 'rtsp' })).toBe(0);
  const then = playing.map((player) => player.media());
  await until('they play on', () => playing.every((player, i) => player.media() > then[i]! + 200_000));
}, 60_000);
