import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import NodeMediaServer from 'node-media-server';
import nmsLogger from 'node-media-server/src/core/logger.js';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { createSources, processDriver, type Sources } from '@stream-sessions/on-demand';
import { attachRtmp, runNodeMediaServer } from '@stream-sessions/rtmp-adapter';
import { createRtspServer, type RtspServer } from '@stream-sessions/rtsp-adapter';
import { createSrtServer, type SrtServer } from '@stream-sessions/srt-adapter';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { commandOf, descendants } from './support/processes.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';
import { freePort } from '../support/free-port.js';

nmsLogger.log = () => undefined;

const folder = mkdtempSync(path.join(tmpdir(), 'on-demand-transports-'));
let tracker: SessionTracker;
let sources: Sources;
let nms: NodeMediaServer;
let rtsp: RtspServer;
let srt: SrtServer;
let rtmpPort: number;

/** node-media-server takes 0 for "not at all". */
/** An ffmpeg that publishes a test picture to a URL. */
const publisher = (...to: string[]) =>
  processDriver({
    command: [
      ...[program('ffmpeg'), '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '12', ...to],
    ],
  });

beforeAll(async () => {
  tracker = createTracker({ idleTimeoutMs: 1_500 });
  rtmpPort = await freePort();
  nms = new NodeMediaServer({
    bind: '127.0.0.1',
    rtmp: { port: rtmpPort },
    http: { port: await freePort() },
    webadmin: { enable: false },
    store: { path: folder },
  });
  attachRtmp(nms, tracker);
  await runNodeMediaServer(nms);
  srt = createSrtServer({ tracker, host: '127.0.0.1', port: 0 });
  const gate = { ready: undefined as Sources['ready'] | undefined };
  const ready = Object.assign((stream: string) => gate.ready?.(stream), {
    manages: (stream: string) => gate.ready?.manages(stream) === true,
  });
  rtsp = createRtspServer({ tracker, ready });
  const { port } = await rtsp.listen(0, '127.0.0.1');
  sources = createSources(tracker, {
    sources: [
      { pattern: 'rtmp-{n}', driver: publisher('-f', 'flv', `rtmp://127.0.0.1:${rtmpPort}/live/{stream}`) },
      {
        pattern: 'rtsp-{n}',
        driver: publisher('-f', 'rtsp', '-rtsp_transport', 'tcp', `rtsp://127.0.0.1:${port}/live/{stream}`),
      },
      {
        pattern: 'srt-{n}',
        driver: publisher('-f', 'mpegts', `srt://127.0.0.1:${srt.port}?streamid=#!::r=live/{stream},m=publish`),
      },
    ],
    hibernateAfterMs: 500,
    checkIntervalMs: 100,
  });
  gate.ready = sources.ready;
});

afterAll(async () => {
  endPlayers();
  await sources.close();
  await rtsp.close();
  await srt.close();
  await nms.stop();
  await tracker.stop();
  rmSync(folder, { recursive: true, force: true });
});

const encoders = (): number[] => descendants(process.pid).filter((pid) => commandOf(pid).includes('lavfi'));

it.each([
  ['rtmp', () => `rtmp://127.0.0.1:${rtmpPort}/live/rtmp-1`],
  ['rtsp', () => `rtsp://127.0.0.1:${rtsp.address()!.port}/live/rtsp-1`],
  ['srt', () => `srt://127.0.0.1:${srt.port}?streamid=live/srt-1`],
])('a player of %s wakes the source, is served, and lets it sleep when it has gone', async (protocol, url) => {
  const stream = `${protocol}-1`;
  const player = playWithFfmpeg(url(), { live: true, seconds: 1 });
  await until('it is started', () => encoders().length === 1);
  expect(await player.ended).toMatchObject({ code: 0 });
  expect(tracker.list({ stream, kind: 'viewer' })).toMatchObject([{ protocol }]);
  await until('it sleeps', () => sources.state(stream) === 'hibernated');
  expect(encoders()).toEqual([]);
  const viewer = tracker.list({ stream, kind: 'viewer' })[0]!;
  expect(viewer.bytes).toBeGreaterThan(10_000);
});
