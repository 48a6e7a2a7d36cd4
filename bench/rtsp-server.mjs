/** An RTSP server with one publisher of 2 Mbit/s over TCP, for rtsp.bench.mjs. Tells its CPU time when asked. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker } from '@stream-sessions/core';
import { createRtspServer } from '@stream-sessions/rtsp-adapter';

const folder = mkdtempSync(path.join(tmpdir(), 'rtsp-bench-'));
const file = path.join(folder, 'loop.flv');
const rate = ['-b:v', '2M', '-minrate', '2M', '-maxrate', '2M', '-bufsize', '1M'];
const encode = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-c:v', 'libx264', '-preset', 'ultrafast'];
execFileSync('ffmpeg', ['-v', 'error', ...encode, '-g', '25', '-x264-params', 'nal-hrd=cbr', ...rate, '-t', '4', file]);

const tracker = createTracker();
const server = createRtspServer({ tracker });
const { port } = await server.listen(0, '127.0.0.1');
const publish = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', file, '-c', 'copy', '-f', 'rtsp'];
const target = ['-rtsp_transport', 'tcp', `rtsp://127.0.0.1:${port}/live/bench`];
const publisher = spawn('ffmpeg', [...publish, ...target], { stdio: 'ignore' });

process.on('message', () => process.send({ cpu: process.cpuUsage(), viewers: tracker.count({ kind: 'viewer' }) }));
process.on('disconnect', () => {
  publisher.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  process.exit();
});
while (server.streams.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
process.send({ port });
