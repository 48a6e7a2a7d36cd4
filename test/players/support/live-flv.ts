import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { program } from './programs.js';

/** Encodes a loop of two seconds, 2 Mbit/s, with a key frame every half second. */
export function encodeLoop(folder: string): string {
  const file = path.join(folder, 'loop.flv');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-f', 'lavfi', '-i', 'sine'];
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '12', '-x264-params', 'nal-hrd=cbr'];
  const rate = [
    '-b:v',
    '2M',
    '-minrate',
    '2M',
    '-maxrate',
    '2M',
    '-bufsize',
    '1M',
    '-c:a',
    'aac',
    '-b:a',
    '64k',
    '-t',
    '2',
  ];
  execFileSync(program('ffmpeg'), ['-v', 'error', '-y', ...source, ...codec, ...rate, file]);
  return file;
}

/** Publishes it again and again, at the speed of time, as an encoder would. */
export function publishLoop(file: string, url: string): ChildProcess {
  const args = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', file, '-c', 'copy', '-f', 'flv', url];
  return spawn(program('ffmpeg'), args, { stdio: 'ignore' });
}
