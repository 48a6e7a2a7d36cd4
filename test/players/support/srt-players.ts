import { spawn, type ChildProcess } from 'node:child_process';
import { program } from './programs.js';

/** A player that says how it ended. */
export interface SrtPlayer {
  readonly media: () => number;
  readonly isOver: () => boolean;
  readonly told: () => string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

const players = new Set<SrtPlayer>();

/** For afterEach: ends what a test has left. */
export function endSrtPlayers(): void {
  players.forEach((player) => player.kill('SIGKILL'));
  players.clear();
}

const queryOf = (passphrase?: string): string => (passphrase === undefined ? '' : `&passphrase=${passphrase}`);

/** Names the stream by the access-control syntax. */
export function ffmpegOverSrt(port: number, token: string, passphrase?: string): SrtPlayer {
  const id = `#!::r=live/cam1,m=request,t=${token}`;
  const url = `srt://127.0.0.1:${port}?mode=caller&latency=50000&streamid=${id}${queryOf(passphrase)}`;
  // it would look at five seconds of it before it plays
  const soon = ['-analyzeduration', '300000', '-probesize', '100000'];
  const args = ['-hide_banner', '-nostdin', '-v', 'error', ...soon, '-i', url, '-c', 'copy', '-f', 'mpegts', 'pipe:1'];
  return started(spawn(program('ffmpeg'), args, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Names the stream plainly. */
export function liveTransmit(port: number, token: string, passphrase?: string): SrtPlayer {
  const id = `live/cam1?token=${token}`;
  const url = `srt://127.0.0.1:${port}?mode=caller&latency=50${queryOf(passphrase)}&streamid=${id}`;
  const args = ['-q', '-a:no', url, 'file://con'];
  return started(spawn(program('srt-live-transmit'), args, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Publishes a file again and again, at the speed of time, as an encoder would. */
export function publishOverSrt(file: string, port: number, stream: string, passphrase?: string): ChildProcess {
  const url = `srt://127.0.0.1:${port}?mode=caller&streamid=#!::r=live/${stream},m=publish${queryOf(passphrase)}`;
  const args = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', file, '-c', 'copy', '-f', 'mpegts', url];
  return spawn(program('ffmpeg'), args, { stdio: 'ignore' });
}

function started(child: ReturnType<typeof spawn>): SrtPlayer {
  let [media, told, over] = [0, '', false];
  child.stdout!.on('data', (data: Buffer) => (media += data.length));
  child.stderr!.on('data', (data: Buffer) => (told = (told + data.toString()).slice(0, 10_000)));
  child.once('close', () => (over = true));
  const player: SrtPlayer = {
    media: () => media,
    isOver: () => over,
    told: () => told,
    kill: (signal) => child.kill(signal),
  };
  players.add(player);
  return player;
}
