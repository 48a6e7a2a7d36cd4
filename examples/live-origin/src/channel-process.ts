/**
 * The channel runs in a process of its own so that it ends however the server ends, by a crash or SIGKILL too: the IPC
 * channel between the two closes then, ffmpeg is ended by its pid, and the folder goes. Forked by `createChannel()`; goes on air
 * when it is told where to publish, and off when it is told `off`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ffmpegArguments, hasFfmpeg, masterPlaylist } from './ffmpeg.js';
import { playSample } from './sample.js';

const folder = process.argv[2]!;
const demo = path.join(folder, 'demo');
let ffmpeg: ChildProcess | undefined;
let ending = false;

function end(code: number): void {
  if (ending) return;
  ending = true;
  const removeAndExit = (): void => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  };
  // the folder goes after ffmpeg, which would write into it once more
  if (!ffmpeg || ffmpeg.exitCode !== null || !ffmpeg.kill('SIGKILL')) removeAndExit();
  else ffmpeg.once('exit', removeAndExit);
}

function encode(publishTo: readonly string[]): void {
  for (const name of ['ts', 'fmp4', 'dash']) mkdirSync(path.join(demo, name), { recursive: true });
  for (const name of ['ts', 'fmp4']) writeFileSync(path.join(demo, name, 'master.m3u8'), masterPlaylist());
  ffmpeg = spawn('ffmpeg', ffmpegArguments(publishTo), { cwd: demo, stdio: ['ignore', 'ignore', 'inherit'] });
  ffmpeg.once('exit', (code, signal) => {
    if (ending) return;
    console.error(
      `ffmpeg ended by itself (${signal ?? `code ${code}`}), and with it the channel. Start it again: npm start`,
    );
    end(1);
  });
}

function tellWhenOnAir(source: 'ffmpeg' | 'sample', files: readonly string[]): void {
  if (files.every((file) => existsSync(path.join(demo, file)))) process.send?.({ source });
  else setTimeout(() => tellWhenOnAir(source, files), 50);
}

process.once('disconnect', () => end(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end(0));
process.once('uncaughtException', (error) => {
  console.error(error);
  end(1);
});

/** Ends ffmpeg and takes away what it has written, which would be old when it comes back. */
function goOffAir(): void {
  const running = ffmpeg;
  ffmpeg = undefined;
  const gone = (): void => {
    rmSync(demo, { recursive: true, force: true, maxRetries: 5 });
    process.send?.({ source: undefined });
  };
  running?.removeAllListeners('exit');
  if (!running || running.exitCode !== null || !running.kill('SIGKILL')) gone();
  else running.once('exit', gone);
}

process.on('message', (publishTo: readonly string[] | 'off') => {
  if (publishTo === 'off') return goOffAir();
  if (hasFfmpeg()) {
    encode(publishTo);
    // players want to start some segments behind the end, and ffmpeg's own one fails on a manifest that lists none yet
    const third = [0, 1, 2].map((stream) => `dash/chunk-stream${stream}-00003.m4s`);
    tellWhenOnAir('ffmpeg', [
      'ts/high-00002.ts',
      'ts/low-00002.ts',
      'fmp4/high-00002.m4s',
      'fmp4/low-00002.m4s',
      ...third,
    ]);
  } else {
    mkdirSync(path.join(demo, 'sample'), { recursive: true });
    playSample(path.join(demo, 'sample'));
    tellWhenOnAir('sample', ['sample/master.m3u8', 'sample/manifest.mpd']);
  }
});
