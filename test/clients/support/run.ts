import { spawn } from 'node:child_process';

/** A client that runs. */
export interface Running {
  isOver(): boolean;
  /** What it said on stderr and stdout, cut. */
  told(): string;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

const running = new Set<Running>();

export function run([program = '', ...args]: readonly string[]): Running {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [told, over] = ['', false];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => (told = (told + data.toString('latin1')).slice(-2_000)));
  }
  child.once('error', (error) => ([told, over] = [error.message, true]));
  child.once('exit', () => (over = true));
  const self: Running = { isOver: () => over, told: () => told, kill: (signal) => void child.kill(signal) };
  running.add(self);
  return self;
}

/** Ends all that are left. */
export function endAll(): void {
  for (const each of running) each.kill('SIGKILL');
  running.clear();
}
