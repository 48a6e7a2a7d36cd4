import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { createTracker, type PlaySession, type SessionTracker } from '@stream-sessions/core';
import { attachRtmp, type Attachment } from '@stream-sessions/rtmp-adapter';
import { startServer2 } from '../../packages/rtmp-adapter/test/support/server-2.js';
import { startServer4 } from '../../packages/rtmp-adapter/test/support/server-4.js';
import { doorkeeper } from './support/doorkeeper.js';
import { startCountingProxy, type CountingProxy } from './support/counting-proxy.js';
import { encodeLoop, publishLoop } from './support/live-flv.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

/** A player that says how it ended. */
interface Player {
  readonly media: () => number;
  readonly isOver: () => boolean;
  readonly told: () => string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** A way to play: over which server, where, and with what. */
interface Way {
  readonly name: string;
  readonly server: 4 | 2;
  readonly protocol: string;
  readonly userAgent: string;
  port(ports: Ports): number;
  play(port: number, token: string): Player;
}

interface Ports {
  rtmp: number;
  http: number;
  rtmps?: number;
}

const players = new Set<Player>();

function ffmpeg(url: string, options: string[] = []): Player {
  const args = ['-hide_banner', '-nostdin', '-v', 'error', ...options, '-i', url, '-c', 'copy', '-f', 'flv', 'pipe:1'];
  const child = spawn(program('ffmpeg'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [media, told, over] = [0, '', false];
  child.stdout.on('data', (data: Buffer) => (media += data.length));
  child.stderr.on('data', (data: Buffer) => (told += data.toString()));
  child.once('close', () => (over = true));
  return noted({
    media: () => media,
    isOver: () => over,
    told: () => told,
    kill: (signal) => child.kill(signal),
  });
}

/** ffmpeg has no WebSocket. */
function webSocket(url: string, userAgent: string): Player {
  const socket = new WebSocket(url, { headers: { 'user-agent': userAgent } });
  let [media, told, over] = [0, '', false];
  socket.on('message', (data: Buffer) => (media += data.length));
  socket.on('error', (error) => (told += error.message));
  socket.on('close', (code, reason) => {
    told += `${code} ${reason.toString()}`;
    over = true;
  });
  return noted({
    media: () => media,
    isOver: () => over,
    told: () => told,
    kill: (signal) => (signal === 'SIGTERM' ? socket.close() : socket.terminate()),
  });
}

function noted(player: Player): Player {
  players.add(player);
  return player;
}

const FLASH = 'LNX 9,0,124,2'; // what ffmpeg says that it is
const rtmp = (port: number, token: string) => ffmpeg(`rtmp://127.0.0.1:${port}/live/cam1?token=${token}`);
const httpFlv = (port: number, token: string) =>
  ffmpeg(`http://127.0.0.1:${port}/live/cam1.flv?token=${token}`, ['-user_agent', 'MyUA/1.0']);

const ways: Way[] = [
  { name: 'RTMP', server: 4, protocol: 'rtmp', userAgent: FLASH, port: (ports) => ports.rtmp, play: rtmp },
  {
    name: 'RTMPS',
    server: 4,
    protocol: 'rtmp',
    userAgent: FLASH,
    port: (ports) => ports.rtmps!,
    play: (port, token) => ffmpeg(`rtmps://127.0.0.1:${port}/live/cam1?token=${token}`),
  },
  {
    name: 'HTTP-FLV',
    server: 4,
    protocol: 'http-flv',
    userAgent: 'MyUA/1.0',
    port: (ports) => ports.http,
    play: httpFlv,
  },
  {
    name: 'WS-FLV',
    server: 4,
    protocol: 'ws-flv',
    userAgent: 'MyUA/1.0',
    port: (ports) => ports.http,
    play: (port, token) => webSocket(`ws://127.0.0.1:${port}/live/cam1.flv?token=${token}`, 'MyUA/1.0'),
  },
  { name: 'RTMP', server: 2, protocol: 'rtmp', userAgent: FLASH, port: (ports) => ports.rtmp, play: rtmp },
  {
    name: 'HTTP-FLV',
    server: 2,
    protocol: 'http-flv',
    userAgent: 'MyUA/1.0',
    port: (ports) => ports.http,
    play: httpFlv,
  },
];

let folder: string;
let loop: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  loop = encodeLoop(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([4, 2] as const)('node-media-server %i', (version) => {
  let server: Awaited<ReturnType<typeof startServer4 | typeof startServer2>>;
  let tracker: SessionTracker;
  let attachment: Attachment;
  let publisher: ChildProcess;

  beforeAll(async () => {
    tracker = createTracker({ policies: [doorkeeper] });
    server = await (version === 4 ? startServer4 : startServer2)((nms) => (attachment = attachRtmp(nms, tracker)));
    publisher = publishLoop(loop, `rtmp://127.0.0.1:${server.rtmp}/live/cam1`);
    await until('it is on air', () => tracker.count({ kind: 'input', status: 'active' }) === 1);
  });

  afterAll(async () => {
    players.forEach((player) => player.kill('SIGKILL'));
    publisher.kill('SIGKILL');
    await attachment.detach();
    await tracker.stop();
    await server.stop();
  });

  // whoever was kicked stays out by address and player too, and here these are the same for all
  afterEach(() => {
    players.forEach((player) => player.kill('SIGKILL'));
    players.clear();
    tracker.denials().forEach(({ id }) => tracker.liftDenial(id));
  });

  const viewers = (way: Way) => tracker.list({ status: 'active', kind: 'viewer', protocol: way.protocol });
  const lists = (way: Way, count: number) => until(`${count} are listed`, () => viewers(way).length === count);
  const closedAs = (session: PlaySession) => tracker.get(session.id)?.closeReason;

  describe.each(ways.filter((way) => way.server === version))('$name', (way) => {
    let proxy: CountingProxy;
    beforeAll(async () => (proxy = await startCountingProxy(way.port(server))));
    afterAll(() => proxy.stop());

    it('lists a player with its details, and counts what a proxy passed to it', async () => {
      const passedBefore = proxy.passed();
      const passed = () => proxy.passed() - passedBefore;
      const player = way.play(proxy.port, 'alice');
      await until('it plays', () => player.media() > 100_000);
      const [session] = viewers(way);
      expect(session).toMatchObject({ stream: 'cam1', kind: 'viewer', namedBy: 'token', userAgent: way.userAgent });
      expect([session!.ip, session!.secure]).toEqual(['127.0.0.1', way.name === 'RTMPS']);
      expect(tracker.streams()).toEqual([expect.objectContaining({ stream: 'cam1', viewers: 1, inputs: 1 })]);

      const readings = new Set<number>();
      const reading = () => tracker.get(session!.id)!.bytes;
      await until('its bytes have grown some times', () => readings.add(reading()).size > 3);
      await until('it has played for some seconds', () => passed() > 900_000);
      player.kill('SIGTERM');
      await lists(way, 0);
      expect(closedAs(session!)).toBe('client_gone');
      expect(Math.abs(reading() / passed() - 1)).toBeLessThan(0.02);
    });

    it('closes the session of a player that was killed', async () => {
      const player = way.play(way.port(server), 'bob');
      await until('it plays', () => player.media() > 0);
      const [session] = viewers(way);
      player.kill('SIGKILL');
      await lists(way, 0);
      expect(closedAs(session!)).toBe('client_gone');
    });

    it.each(['never', 'later'])('refuses a client who may %s play, and says why', async (token) => {
      const player = way.play(way.port(server), token);
      await until('it is over', player.isOver, { timeoutMs: 8_000 });
      expect(player.media()).toBe(0);
      expect(player.told()).toMatch(way.protocol === 'rtmp' ? /401 unauthorized: no such token/ : /401/);
      expect(viewers(way)).toEqual([]);
    });

    it('ends a kicked player within a second, keeps it out, and lets its neighbour play on', async () => {
      const neighbour = way.play(way.port(server), 'neighbour');
      await until('one plays', () => neighbour.media() > 0);
      const kicked = way.play(way.port(server), 'mallory');
      await until('both play', () => kicked.media() > 0);
      const session = viewers(way)[1]!; /* in the order of their coming */
      const since = Date.now();
      expect(tracker.kick(session.id)).toBe(true);
      await until('it is over', kicked.isOver, { timeoutMs: 3_000, everyMs: 10 });
      expect(Date.now() - since).toBeLessThan(1_000);
      const again = way.play(way.port(server), 'mallory');
      await until('it is refused', again.isOver, { timeoutMs: 8_000 });
      expect(again.media()).toBe(0);
      const then = neighbour.media();
      await until('the neighbour plays on', () => neighbour.media() > then + 50_000);
      neighbour.kill('SIGKILL');
      await lists(way, 0);
    });
  });

  it('keeps streaming when the adapter is detached', async () => {
    const [way] = ways.filter((each) => each.server === version);
    const player = way!.play(way!.port(server), 'last');
    await until('it plays', () => player.media() > 0);
    await attachment.detach();
    expect(tracker.count({ status: 'active' })).toBe(0);
    const then = player.media();
    await until('it plays on', () => player.media() > then + 300_000);
  });
});
