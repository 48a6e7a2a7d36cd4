import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker } from '@stream-sessions/core';
import { attachRtmp, type Attachment } from '@stream-sessions/rtmp-adapter';
import { startServer2, type Server2 } from '../../packages/rtmp-adapter/test/support/server-2.js';
import { startServer4, type Server4 } from '../../packages/rtmp-adapter/test/support/server-4.js';
import { encodeLoop, publishLoop } from './support/live-flv.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

// 2.7.4 has lost a function, without which its relays do not start
jest.mock('node-media-server-2/src/node_core_utils.js', () => ({
  ...jest.requireActual<object>('node-media-server-2/src/node_core_utils.js'),
  getFFmpegVersion: async () => '5.1',
}));

const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
const trackers = { two: createTracker(), four: createTracker() };
const attachments: Attachment[] = [];
let publisher: ChildProcess;
let four: Server4;
let two: Server2;

beforeAll(async () => {
  const loop = encodeLoop(folder);
  four = await startServer4((nms) => attachments.push(attachRtmp(nms, trackers.four)));
  const tasks = [{ app: 'live', mode: 'push', edge: `rtmp://127.0.0.1:${four.rtmp}/pushed` }];
  const relay = { ffmpeg: program('ffmpeg'), tasks };
  two = await startServer2((nms) => attachments.push(attachRtmp(nms, trackers.two)), { relay });
  publisher = publishLoop(loop, `rtmp://127.0.0.1:${two.rtmp}/live/cam1`);
});

afterAll(async () => {
  publisher.kill('SIGKILL');
  for (const attachment of attachments) await attachment.detach();
  await two.stop();
  await four.stop();
  await trackers.two.stop();
  await trackers.four.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (server: keyof typeof trackers, kind: 'viewer' | 'input' | 'output', stream: string) =>
  trackers[server].list({ kind, stream, status: 'active' })[0];

it('an ffmpeg push of version 2 is a viewer there, and an input where it arrives', async () => {
  await until('it is pushed', () => find('two', 'viewer', 'cam1') && find('four', 'input', 'pushed/cam1'), {
    timeoutMs: 20_000,
  });
  expect(find('two', 'viewer', 'cam1')).toMatchObject({ ip: '127.0.0.1', userAgent: 'LNX 9,0,124,2' });
  await until('it is counted', () => find('four', 'input', 'pushed/cam1')!.bytesReceived > 100_000, {
    timeoutMs: 20_000,
  });
});

it('a pull of version 4 is an input there, and ends at a kick', async () => {
  const url = `rtmp://127.0.0.1:${two.rtmp}/live/cam1?key=secret`;
  four.nms.relayServer.addTask({ url, streamPath: '/live/cam1', mode: 'pull' });
  await until('it is counted', () => (find('four', 'input', 'cam1')?.bytesReceived ?? 0) > 100_000, {
    timeoutMs: 20_000,
  });
  expect(find('four', 'input', 'cam1')).toMatchObject({ ip: '127.0.0.1', protocol: 'rtmp' });

  trackers.four.kick(find('four', 'input', 'cam1')!.id);
  await until('it is gone', () => four.nms.relayServer.removeTask('/live/cam1') === false);
  expect(find('four', 'input', 'cam1')).toBeUndefined();
}, 60_000);
