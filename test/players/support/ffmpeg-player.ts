import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { program } from './programs.js';

export interface FfmpegPlayer {
  readonly pid: number;
  /** For `pipe:0`. */
  readonly stdin: Writable;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; stderr: string }>;
  kill(signal: NodeJS.Signals): void;
}

const running = new Set<ChildProcess>();

/** For afterAll: ends the players that a failed test has left. */
export function endPlayers(): void {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Plays a URL with ffmpeg as a viewer would: at the speed of time, the picture goes nowhere. `seconds`: it stops then by itself.
 * `live`: as fast as it comes. On a busy machine a clock of its own makes ffmpeg read later and later, until it waits for nothing.
 * `blind`: nothing is decoded, so that many can play at a time. `fresh`: a connection for each request, of HLS.
 */
export function playWithFfmpeg(
  url: string,
  options: { userAgent?: string; seconds?: number; live?: boolean; blind?: boolean; fresh?: boolean } = {},
): FfmpegPlayer {
  const { userAgent, seconds, live, blind, fresh } = options;
  const args = [
    ...['-hide_banner', ...(url === 'pipe:0' ? [] : ['-nostdin']), '-loglevel', 'error', ...(live ? [] : ['-re'])],
    ...(userAgent ? ['-user_agent', userAgent] : []),
    ...(fresh ? ['-http_persistent', '0'] : []),
    ...['-i', url, ...(seconds ? ['-t', String(seconds)] : []), ...(blind ? ['-c', 'copy'] : []), '-f', 'null', '-'],
  ];
  const child = spawn(program('ffmpeg'), args, { stdio: ['pipe', 'ignore', 'pipe'] });
  child.stdin.on('error', () => undefined); // it has ended before it was told all
  running.add(child);
  child.once('exit', () => running.delete(child));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return {
    pid: child.pid!,
    stdin: child.stdin,
    ended: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stderr }));
    }),
    kill: (signal) => child.kill(signal),
  };
}
