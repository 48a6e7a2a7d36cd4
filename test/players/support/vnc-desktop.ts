import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { program } from './programs.js';
import { until } from './until.js';

/** A desktop of a real VNC server, with one program on it that fills it with a colour, and quits when somebody types `q`. */
export interface VncDesktop {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  readonly app: ChildProcess;
  stop(): Promise<void>;
}

/** @param colour `0x12a35b` */
export async function startVncDesktop(colour: string): Promise<VncDesktop> {
  const display = ['-displayfd', '3', '-localhost', '-nolisten', 'tcp', '-SecurityTypes', 'None'];
  const screen = ['-geometry', '320x240', '-depth', '24'];
  const server = spawn(program('Xtigervnc'), [...display, ...screen], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let number = '';
  (server.stdio[3] as Readable).on('data', (data: Buffer) => (number += data.toString()));
  await until('the VNC server has a display', () => number.endsWith('\n'));
  const source = ['-f', 'lavfi', '-i', `color=c=${colour}:s=320x240`];
  const app = spawn(program('ffplay'), ['-v', 'error', '-nostats', '-fs', ...source], {
    env: { ...process.env, DISPLAY: `:${number.trim()}`, SDL_AUDIODRIVER: 'dummy' },
    stdio: 'ignore',
  });
  return {
    port: 5900 + Number(number),
    app,
    async stop() {
      const ended = once(server, 'exit');
      app.kill('SIGKILL');
      server.kill('SIGTERM');
      await ended;
    },
  };
}
