import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { createTracker, type PlaySession, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { passBook, passPolicy, PASS_TYPES, type PassBook } from '@stream-sessions/passes';
import { attachRtmp } from '@stream-sessions/rtmp-adapter';
import { createRtspServer } from '@stream-sessions/rtsp-adapter';
import { createSrtServer } from '@stream-sessions/srt-adapter';
import { startServer4 } from '../../packages/rtmp-adapter/test/support/server-4.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { encodeLoop, publishLoop } from './support/live-flv.js';
import { publishHls } from './support/live-hls.js';
import { program } from './support/programs.js';
import { publishOverSrt } from './support/srt-players.js';
import { until } from './support/until.js';

const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const publishers: ChildProcess[] = [];
const ends: (() => unknown)[] = [];
const places: Record<string, string> = {};
let tracker: SessionTracker;
let book: PassBook;

beforeAll(async () => {
  book = passBook();
  tracker = createTracker({ policies: [passPolicy(book)] });
  mkdirSync(path.join(folder, 'hls'));
  publishers.push(publishHls(path.join(folder, 'hls/index.m3u8')));
  const web = express().use('/live', trackPlayback(tracker), express.static(folder)).listen(0, '127.0.0.1');
  await once(web, 'listening');
  const port = (web.address() as AddressInfo).port;
  places.hls = `http://127.0.0.1:${port}/live/hls/index.m3u8?token=`;

  const rtmp = await startServer4();
  attachRtmp(rtmp.nms, tracker);
  const rtsp = createRtspServer({ tracker });
  await rtsp.listen(0, '127.0.0.1');
  const rtspPort = (rtsp.address() as AddressInfo).port;
  const srt = createSrtServer({ tracker, port: 0 });
  const loop = encodeLoop(folder);
  publishers.push(publishLoop(loop, `rtmp://127.0.0.1:${rtmp.rtmp}/live/rtmp`));
  const rtspArgs = ['-c', 'copy', '-f', 'rtsp', '-rtsp_transport', 'tcp', `rtsp://127.0.0.1:${rtspPort}/live/rtsp`];
  const endless = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', loop];
  publishers.push(spawn(program('ffmpeg'), [...endless, ...rtspArgs], { stdio: 'ignore' }));
  publishers.push(publishOverSrt(loop, srt.port, 'srt'));
  places.rtmp = `rtmp://127.0.0.1:${rtmp.rtmp}/live/rtmp?token=`;
  places.rtsp = `rtsp://127.0.0.1:${rtspPort}/live/rtsp?token=`;
  places.srt = `srt://127.0.0.1:${srt.port}?streamid=live/srt?token=`;
  ends.push(
    () => web.close(),
    () => web.closeAllConnections(),
    () => rtsp.close(),
    () => srt.close(),
    () => rtmp.stop(),
  );
  await until('all publish', () => tracker.count({ kind: 'input' }) === 3);
}, 40_000);

afterAll(async () => {
  endPlayers();
  publishers.forEach((child) => child.kill('SIGKILL'));
  await tracker.stop();
  for (const end of ends) await end();
  await book.close();
  rmSync(folder, { recursive: true, force: true });
});

const closedOf = (stream: string): PlaySession | undefined =>
  tracker.list({ stream, kind: 'viewer', status: 'closed' })[0];

it('ffmpeg watches for six seconds over HLS, RTMP, RTSP and SRT, and is cut on the dot', async () => {
  const ways = Object.keys(places);
  const passes = await Promise.all(
    ways.map((way) => book.create(`${way}-pass`, { type: PASS_TYPES.time, timeSecs: 6 })),
  );
  for (const way of ways) playWithFfmpeg(`${places[way]}${way}-pass`, { live: way !== 'hls' });
  for (const [i, way] of ways.entries()) {
    const session = await until(`${way} is cut`, () => closedOf(way), { timeoutMs: 20_000 });
    expect([way, session.closeReason]).toEqual([way, 'quota_time']);
    const seconds = ((session.closedAt ?? 0) - session.openedAt) / 1000;
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThan(7);
    const { timeCons = 0 } = (await book.get(passes[i]?.id ?? '')) ?? {};
    expect(timeCons).toBeGreaterThan(4.5);
    expect(timeCons).toBeLessThan(7);
    expect(session.bytes).toBeGreaterThan(20_000);
  }
}, 40_000);

it('two devices get the data of one pass, over two protocols', async () => {
  const { id } = await book.create('shared', { type: PASS_TYPES.data, dataMb: 2 });
  for (const way of ['rtmp', 'rtsp']) playWithFfmpeg(`${places[way]}shared`, { live: true });
  await until('both are cut', () => tracker.list({ reason: 'quota_data' }).length === 2, { timeoutMs: 20_000 });
  const bytes = tracker.list({ reason: 'quota_data' }).reduce((sum, session) => sum + session.bytes, 0);
  expect((await book.get(id))?.dataCons).toBeCloseTo(bytes / 1e6, 3);
  expect(bytes).toBeGreaterThanOrEqual(2e6);
  // What two connections of 2 Mbit/s carry in a second, and a group of pictures at the start.
  expect(bytes).toBeLessThan(2e6 + 2 * 400_000);
}, 40_000);
