import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { program } from './programs.js';
import { until } from './until.js';

/** A live channel over HLS, with segments of a second, until it is killed. */
export function publishHls(playlist: string): ChildProcess {
  const source = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'];
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'];
  const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '5', '-hls_flags', 'delete_segments', playlist];
  return spawn(program('ffmpeg'), ['-v', 'error', '-nostdin', ...source, ...codec, ...hls], { stdio: 'ignore' });
}

/** Waits until the channel is on air: players give it up before that. */
export async function untilOnAir(playlist: string): Promise<void> {
  await until('it is on air', () => readable(playlist)?.includes('2.ts'), { timeoutMs: 60_000 });
}

function readable(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
