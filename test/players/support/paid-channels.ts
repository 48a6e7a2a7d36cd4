import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { createTracker, type PlaySession } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { memoryPassStore, passBook, passPolicy, type PassBook, type PassStore } from '@stream-sessions/passes';
import { attachRtmp } from '@stream-sessions/rtmp-adapter';
import { createRtspServer } from '@stream-sessions/rtsp-adapter';
import { createSrtServer } from '@stream-sessions/srt-adapter';
import { startServer4 } from '../../../packages/rtmp-adapter/test/support/server-4.js';
import { encodeLoop, publishLoop } from './live-flv.js';
import { publishHls, untilOnAir } from './live-hls.js';
import { program } from './programs.js';
import { startRecordingProxy, type RecordingProxy } from './recording-proxy.js';
import { publishOverSrt } from './srt-players.js';
import { until } from './until.js';

/** `short`: the live channel again, over HLS, for viewers who are soon taken to be gone. */
export type Place = 'hls' | 'rtmp' | 'rtsp' | 'srt' | 'short' | 'film-1' | 'film-2';

/** Channels and films for viewers who pay in advance. */
export interface PaidChannels {
  /** Where they are played; the token is to be added. */
  readonly places: Readonly<Record<Place, string>>;
  /** In front of everything that is played over HTTP. */
  readonly proxy: RecordingProxy;
  readonly book: PassBook;
  readonly store: PassStore;
  /** The book of `short`. */
  readonly shortBook: PassBook;
  /** The visits of an owner that have ended. */
  visitsOf(owner: string): readonly PlaySession[];
  hasBegun(owner: string): boolean;
  close(): Promise<void>;
}

/** @param shortMs After so long without a request a viewer of `short` is gone, and its clock stands still. */
export async function openPaidChannels(shortMs: number): Promise<PaidChannels> {
  const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  const publishers: ChildProcess[] = [];
  const ended = new Map<string, PlaySession[]>();
  const begun = new Set<string>();
  const visitsOf = (owner: string): PlaySession[] => ended.get(owner) ?? [];
  const observed = (book: PassBook): PassBook => {
    book.on('connected', ({ owner }) => begun.add(owner));
    book.on('disconnected', ({ owner, session }) => ended.set(owner, [...visitsOf(owner), session]));
    return book;
  };
  const store = memoryPassStore();
  const book = observed(passBook({ store }));
  const tracker = createTracker({ policies: [passPolicy(book)] });
  const shortBook = observed(passBook({ pauseAfterMs: shortMs }));
  const shortTracker = createTracker({ policies: [passPolicy(shortBook)], idleTimeoutMs: shortMs });

  for (const name of ['hls', 'film-1', 'film-2']) mkdirSync(path.join(folder, name));
  const live = path.join(folder, 'hls/index.m3u8');
  publishers.push(publishHls(live));
  const files = express.static(folder);
  const app = express().use('/live', trackPlayback(tracker), files).use('/short', trackPlayback(shortTracker), files);
  const web = app.listen(0, '127.0.0.1');
  await once(web, 'listening');
  const proxy = await startRecordingProxy(`http://127.0.0.1:${portOf(web)}`);

  const rtmp = await startServer4();
  attachRtmp(rtmp.nms, tracker);
  const rtsp = createRtspServer({ tracker });
  await rtsp.listen(0, '127.0.0.1');
  const srt = createSrtServer({ tracker, port: 0 });
  const loop = encodeLoop(folder);
  for (const film of ['film-1', 'film-2']) record(loop, path.join(folder, film, 'index.m3u8'));
  publishers.push(publishLoop(loop, `rtmp://127.0.0.1:${rtmp.rtmp}/live/rtmp`));
  publishers.push(publishOverRtsp(loop, `rtsp://127.0.0.1:${portOf(rtsp)}/live/rtsp`));
  publishers.push(publishOverSrt(loop, srt.port, 'srt'));
  await until('all publish', () => tracker.count({ kind: 'input' }) === 3);
  await untilOnAir(live);

  return {
    places: {
      hls: `${proxy.url}live/hls/index.m3u8?token=`,
      'film-1': `${proxy.url}live/film-1/index.m3u8?token=`,
      'film-2': `${proxy.url}live/film-2/index.m3u8?token=`,
      short: `${proxy.url}short/hls/index.m3u8?token=`,
      rtmp: `rtmp://127.0.0.1:${rtmp.rtmp}/live/rtmp?token=`,
      rtsp: `rtsp://127.0.0.1:${portOf(rtsp)}/live/rtsp?token=`,
      srt: `srt://127.0.0.1:${srt.port}?streamid=live/srt?token=`,
    },
    ...{ proxy, book, store, shortBook, visitsOf },
    hasBegun: (owner) => begun.has(owner),
    close: async () => {
      publishers.forEach((child) => child.kill('SIGKILL'));
      for (const each of [tracker, shortTracker]) await each.stop();
      await proxy.stop();
      web.close();
      web.closeAllConnections();
      for (const server of [rtsp, srt]) await server.close();
      await rtmp.stop();
      for (const each of [book, shortBook]) await each.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

function publishOverRtsp(loop: string, url: string): ChildProcess {
  const source = ['-re', '-stream_loop', '-1', '-i', loop, '-c', 'copy'];
  const args = ['-v', 'error', '-nostdin', ...source, '-f', 'rtsp', '-rtsp_transport', 'tcp', url];
  return spawn(program('ffmpeg'), args, { stdio: 'ignore' });
}

/** A film of forty seconds, 10 MB, in segments of a second. */
function record(loop: string, playlist: string): void {
  const source = ['-stream_loop', '19', '-i', loop, '-c', 'copy'];
  const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0'];
  execFileSync(program('ffmpeg'), ['-v', 'error', '-nostdin', ...source, ...hls, playlist]);
}
