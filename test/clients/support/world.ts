import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { attachRtmp } from '@stream-sessions/rtmp-adapter';
import { createRtspServer } from '@stream-sessions/rtsp-adapter';
import { createSrtServer } from '@stream-sessions/srt-adapter';
import { startServer4 } from '../../../packages/rtmp-adapter/test/support/server-4.js';
import { encodeLoop } from '../../players/support/live-flv.js';
import { until } from '../../players/support/until.js';
import type { Way } from './ways.js';

/** One channel, `demo`, on every server of the kit, and one list. */
export interface World {
  readonly tracker: SessionTracker;
  readonly ports: Readonly<Record<Way, number>>;
  /** Two seconds of it. */
  readonly flv: string;
  stop(): Promise<void>;
}

/** Who brings a token is a user of its own: a kick keeps out that one, whatever plays beside it. */
const byToken: Policy = {
  name: 'users',
  stage: 'authorise', // so that the token is written into playlists: players drop a playlist's query
  admit: ({ token }) => ({ allow: true, ...(token && { userId: token }) }),
};

/** Milliseconds; players of these ask at least once in four seconds. */
const IDLE_MS = 5_000;

export async function startWorld(): Promise<World> {
  const folder = mkdtempSync(path.join(tmpdir(), 'clients-test-'));
  const flv = encodeLoop(folder);
  const tracker = createTracker({
    policies: [byToken],
    idleTimeoutMs: { default: 30_000, hls: IDLE_MS, dash: IDLE_MS },
  });

  const rtmp = await startServer4();
  attachRtmp(rtmp.nms, tracker);
  const rtsp = createRtspServer({ tracker });
  const rtspPort = (await rtsp.listen(0, '127.0.0.1')).port;
  const srt = createSrtServer({ tracker, host: '127.0.0.1', port: 0 });
  const app = express();
  app.use('/live', trackPlayback(tracker), express.static(folder));
  const http = app.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const httpPort = (http.address() as AddressInfo).port;

  const publishers: ChildProcess[] = [];
  const publish = (format: string, options: readonly string[], to: string): void => {
    const source = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', flv, '-c', 'copy'];
    publishers.push(spawn('ffmpeg', [...source, '-f', format, ...options, to], { stdio: 'ignore' }));
  };
  const [hls, dash] = [path.join(folder, 'demo/hls.m3u8'), path.join(folder, 'demo/dash.mpd')];
  mkdirSync(path.dirname(hls));
  publish('flv', [], `rtmp://127.0.0.1:${rtmp.rtmp}/live/demo`);
  publish('rtsp', ['-rtsp_transport', 'tcp'], `rtsp://127.0.0.1:${rtspPort}/live/demo`);
  publish('mpegts', [], `srt://127.0.0.1:${srt.port}?streamid=#!::r=live/demo,m=publish`);
  publish('hls', ['-hls_time', '1', '-hls_list_size', '10', '-hls_flags', 'delete_segments+temp_file'], hls);
  publish('dash', ['-seg_duration', '1', '-window_size', '10', '-extra_window_size', '5'], dash);
  await until('all are on air', () => tracker.count({ kind: 'input', status: 'active' }) === 3, { timeoutMs: 30_000 });
  const hasSegments = (file: string, pattern: RegExp) => existsSync(file) && pattern.test(readFileSync(file, 'utf8'));
  await until('there are segments', () => hasSegments(hls, /hls3\.ts/) && hasSegments(dash, /<S t=/), {
    timeoutMs: 30_000,
  });

  return {
    tracker,
    flv,
    ports: {
      RTMP: rtmp.rtmp,
      'HTTP-FLV': rtmp.http,
      'RTSP over TCP': rtspPort,
      'RTSP over UDP': rtspPort,
      SRT: srt.port,
      HLS: httpPort,
      DASH: httpPort,
    },
    stop: async () => {
      for (const publisher of publishers) publisher.kill('SIGKILL');
      await tracker.stop();
      http.close();
      http.closeAllConnections();
      await Promise.all([rtmp.stop(), rtsp.close(), srt.close()]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
