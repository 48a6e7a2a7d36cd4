import { createHmac } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { allowDeny, concurrencyPolicy, jwtPolicy } from '@stream-sessions/policies';
import { attachRtmp, type Attachment } from '@stream-sessions/rtmp-adapter';
import { createRtspServer, type RtspServer } from '@stream-sessions/rtsp-adapter';
import { createSrtServer, type SrtServer } from '@stream-sessions/srt-adapter';
import { startServer4, type Server4 } from '../../packages/rtmp-adapter/test/support/server-4.js';
import { encodeLoop } from './support/live-flv.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

const SECRET = 'a secret of at least thirty-two bytes';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
function jwt(claims: object): string {
  const signed = `${part({ alg: 'HS256' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}
const PUBLISHER = jwt({ sub: 'encoder', kinds: ['input'] });

/** One list of policies for all transports. */
const policies = [jwtPolicy({ secret: SECRET }), concurrencyPolicy({ max: 2, onExceed: 'replace-oldest' })];

interface Player {
  readonly media: () => number;
  readonly isOver: () => boolean;
}

const children = new Set<ChildProcess>();
function ffmpeg(args: string[]): Player {
  const child = spawn(program('ffmpeg'), ['-v', 'error', '-nostdin', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.add(child);
  let [media, over] = [0, false];
  child.stdout.on('data', (data: Buffer) => (media += data.length));
  child.once('close', () => {
    children.delete(child);
    over = true;
  });
  return { media: () => media, isOver: () => over };
}

let folder: string;
let tracker: SessionTracker;
let http: Server;
let rtmp: Server4;
let attachment: Attachment;
let rtsp: RtspServer;
let srt: SrtServer;
const ports = { hls: 0, rtmp: 0, rtsp: 0, srt: 0 };
type Way = keyof typeof ports;
const WAYS = Object.keys(ports) as Way[];

const SOON = ['-analyzeduration', '300000', '-probesize', '200000'];
const ADDRESS: Record<Way, (token: string) => string[]> = {
  hls: (token) => ['-i', `http://127.0.0.1:${ports.hls}/cam1/index.m3u8?token=${token}`],
  rtmp: (token) => [...SOON, '-i', `rtmp://127.0.0.1:${ports.rtmp}/live/cam1?token=${token}`],
  rtsp: (token) => [
    ...[...SOON, '-fflags', 'nobuffer', '-rtsp_transport', 'tcp'],
    ...['-i', `rtsp://127.0.0.1:${ports.rtsp}/live/cam1?token=${token}`],
  ],
  srt: (token) => [...SOON, '-i', `srt://127.0.0.1:${ports.srt}?streamid=#!::r=live/cam1,m=request,t=${token}`],
};
const play = (way: Way, claims: object): Player =>
  ffmpeg([...ADDRESS[way](jwt({ ...claims, sid: way })), '-c', 'copy', '-f', 'mpegts', 'pipe:1']);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  const loop = encodeLoop(folder);
  tracker = createTracker({ policies });
  rtmp = await startServer4((nms) => (attachment = attachRtmp(nms, tracker)));
  rtsp = createRtspServer({ tracker });
  srt = createSrtServer({ tracker, port: 0, host: '127.0.0.1', latencyMs: 50 });
  http = express().use(trackPlayback(tracker), express.static(folder)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  ports.hls = (http.address() as AddressInfo).port;
  ports.rtmp = rtmp.rtmp;
  ports.rtsp = (await rtsp.listen(0, '127.0.0.1')).port;
  ports.srt = srt.port;

  const source = ['-re', '-stream_loop', '-1', '-i', loop, '-c', 'copy'];
  mkdirSync(path.join(folder, 'cam1'));
  const hls = ['-hls_time', '1', '-hls_list_size', '4', '-hls_flags', 'delete_segments'];
  ffmpeg([...source, '-f', 'hls', ...hls, path.join(folder, 'cam1/index.m3u8')]);
  ffmpeg([...source, '-f', 'flv', `rtmp://127.0.0.1:${ports.rtmp}/live/cam1?token=${PUBLISHER}`]);
  const tcp = ['-f', 'rtsp', '-rtsp_transport', 'tcp'];
  ffmpeg([...source, ...tcp, `rtsp://127.0.0.1:${ports.rtsp}/live/cam1?token=${PUBLISHER}`]);
  ffmpeg([...source, '-f', 'mpegts', `srt://127.0.0.1:${ports.srt}?streamid=#!::r=live/cam1,m=publish,t=${PUBLISHER}`]);
  await until('all are on air', () => tracker.count({ kind: 'input', status: 'active' }) === 3);
  const playlist = `http://127.0.0.1:${ports.hls}/cam1/index.m3u8?token=${jwt({ sub: 'probe' })}`;
  await until('there are segments', async () => (await (await fetch(playlist)).text()).split('.ts').length > 3);
}, 60_000);

afterAll(async () => {
  children.forEach((child) => child.kill('SIGKILL'));
  http.close();
  http.closeAllConnections();
  await attachment.detach();
  await rtmp.stop();
  await rtsp.close();
  await srt.close();
  await tracker.stop();
  rmSync(folder, { recursive: true, force: true });
});

const viewers = (user: string) => tracker.list({ status: 'active', kind: 'viewer', user });
const protocols = (user: string) => viewers(user).map(({ protocol }) => protocol);

/** Opens all, one after the other. */
async function playAll(order: readonly Way[], claims: { sub: string }): Promise<Map<Way, Player>> {
  const players = new Map<Way, Player>();
  for (const way of order) {
    const player = play(way, claims);
    players.set(way, player);
    await until(`${way} plays`, () => player.media() > 0);
  }
  return players;
}

/** Fails unless exactly these get media now. */
async function expectPlaying(players: Map<Way, Player>, expected: readonly Way[]): Promise<void> {
  let before = new Map<Way, number>();
  const grown = () => [...players].filter(([way, { media }]) => media() > (before.get(way) ?? 0)).map(([way]) => way);
  await until('only they get more', async () => {
    before = new Map([...players].map(([way, { media }]) => [way, media()]));
    await until('these get more', () => expected.every((way) => grown().includes(way)));
    // what was on its way when the others were cut may still have come
    return grown().every((way) => expected.includes(way));
  });
}

it.each([
  ['from HLS to SRT', WAYS],
  ['from SRT to HLS', [...WAYS].reverse()],
])(
  'exactly the two newest sessions of one user keep playing, over four protocols, %s',
  async (name, order) => {
    const sub = `bob ${name}`;
    const players = await playAll(order, { sub });
    await until('two are listed', () => viewers(sub).length === 2);
    expect(protocols(sub)).toEqual(order.slice(2));
    await expectPlaying(players, order.slice(2));
    const closed = tracker.list({ status: 'closed', kind: 'viewer', user: sub });
    expect(closed.map(({ protocol, closeReason }) => [protocol, closeReason])).toEqual(
      order.slice(0, 2).map((way) => [way, 'replaced']),
    );
    // who was replaced tries again, and stays out
    const again = play(order[0]!, { sub });
    await until('it is refused', () => again.isOver() || tracker.denials().some(({ hits }) => hits > 0));
    expect(protocols(sub)).toEqual(order.slice(2));
    tracker.kickAll({ user: sub }, { denyForMs: 0 });
  },
  90_000,
);

it('all four are cut within a second when their JWT ends during playback', async () => {
  const exp = Math.ceil(Date.now() / 1000) + 20;
  const players = new Map(WAYS.map((way) => [way, play(way, { sub: 'ann', max_sessions: 4, exp })]));
  await until('all play', () => [...players.values()].every(({ media }) => media() > 0));
  expect(protocols('ann').sort()).toEqual([...WAYS].sort());
  expect(Date.now()).toBeLessThan(exp * 1000);
  await until('all are over', () => viewers('ann').length === 0, { timeoutMs: 30_000, everyMs: 10 });
  const closed = tracker.list({ status: 'closed', user: 'ann' });
  expect(closed.map(({ closeReason }) => closeReason)).toEqual(WAYS.map(() => 'expired'));
  for (const { closedAt } of closed) {
    expect(closedAt! - exp * 1000).toBeGreaterThanOrEqual(0);
    expect(closedAt! - exp * 1000).toBeLessThan(1_000);
  }
  const connections = WAYS.filter((way) => way !== 'hls').map((way) => players.get(way)!);
  await until('the players have ended', () => connections.every(({ isOver }) => isOver()), { timeoutMs: 3_000 });
  // it has what it had got by then, and that is all
  let [got, since] = [0, Date.now()];
  await until('the HLS player has got nothing for three seconds', () => {
    const media = players.get('hls')!.media();
    if (media !== got) [got, since] = [media, Date.now()];
    return Date.now() - since > 3_000;
  });
}, 90_000);

it('viewers that match a new rule are cut, and the others play on', async () => {
  const players = await playAll(WAYS, { sub: 'eve', ...{ max_sessions: 4 } });
  const rule = allowDeny({ deny: [{ userAgent: /^LNX/ }], kinds: ['viewer'] }); // what ffmpeg says over RTMP
  tracker.updateConfig({ policies: [...policies, rule] });
  expect(await tracker.invalidate('cam1')).toMatchObject({ closed: 1 });
  await expectPlaying(players, ['hls', 'rtsp', 'srt']);
  expect(protocols('eve').sort()).toEqual(['hls', 'rtsp', 'srt']);
  await until('it has ended', players.get('rtmp')!.isOver);
  tracker.updateConfig({ policies });
}, 60_000);
