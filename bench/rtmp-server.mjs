/** node-media-server with one publisher of 2 Mbit/s, for rtmp.bench.mjs: with the adapter (`tracked`) or without. Tells its CPU time when asked. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import NodeMediaServer from 'node-media-server';
import { createTracker } from '@stream-sessions/core';
import { attachRtmp, runNodeMediaServer } from '@stream-sessions/rtmp-adapter';

const [rtmp, http, mode] = process.argv.slice(2);
console.log = () => undefined;
const folder = mkdtempSync(path.join(tmpdir(), 'rtmp-bench-'));
const nms = new NodeMediaServer({
  bind: '127.0.0.1',
  rtmp: { port: Number(rtmp) },
  http: { port: Number(http) },
  store: { path: folder },
});
const tracker = createTracker();
if (mode === 'tracked') attachRtmp(nms, tracker);
await runNodeMediaServer(nms);

const file = path.join(folder, 'loop.flv');
const rate = ['-b:v', '2M', '-minrate', '2M', '-maxrate', '2M', '-bufsize', '1M'];
const encode = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-c:v', 'libx264', '-preset', 'ultrafast'];
execFileSync('ffmpeg', ['-v', 'error', ...encode, '-g', '25', '-x264-params', 'nal-hrd=cbr', ...rate, '-t', '4', file]);
const publish = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', file, '-c', 'copy', '-f', 'flv'];
const publisher = spawn('ffmpeg', [...publish, `rtmp://127.0.0.1:${rtmp}/live/bench`], { stdio: 'ignore' });

process.on('message', () => process.send({ cpu: process.cpuUsage(), viewers: tracker.count({ kind: 'viewer' }) }));
process.on('disconnect', () => {
  publisher.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  process.exit();
});
process.send('ready');
