import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { LastLines } from './last-lines.js';

/** How a process is started. */
export interface ChildOptions {
  readonly cwd: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** One process of a source. */
export class Child {
  readonly stderr = new LastLines();
  private readonly process: ChildProcess;
  /** How it ended; undefined: it is running. */
  private how: string | undefined;

  private constructor(
    command: readonly string[],
    name: string,
    options: ChildOptions,
    onEnded: (how: string, child: Child) => void,
  ) {
    const [file = '', ...args] = command;
    // a group of its own: Ctrl-C in the terminal is meant for us, and we then end it in order
    this.process = spawn(file, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    this.process.stderr?.setEncoding('utf8').on('data', (part: string) => this.stderr.add(part));
    this.process.on('error', () => undefined); // reported to whoever starts it
    // after stderr has been read to its end
    this.process.once('close', (code, signal) => {
      const said = this.stderr.last;
      this.how = `${name} ended with ${signal ?? `code ${code}`}${said === '' ? '' : `: ${said}`}`;
      onEnded(this.how, this);
    });
  }

  /** `name`: for messages. Resolves when the process runs. Rejects if the program cannot be started. */
  static async start(
    command: readonly string[],
    name: string,
    options: ChildOptions,
    onEnded: (how: string, child: Child) => void,
  ): Promise<Child> {
    const child = new Child(command, name, options, onEnded);
    await once(child.process, 'spawn');
    // a source does not keep us running
    child.process.unref();
    (child.process.stderr as Socket | null)?.unref();
    return child;
  }

  get pid(): number {
    return this.process.pid as number;
  }

  get hasEnded(): boolean {
    return this.how !== undefined || this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Asks the process to end, and kills it after this many milliseconds. Resolves when it has ended. */
  async end(graceMs: number): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
    this.signal('SIGKILL'); // anything it had started itself
  }

  kill(): void {
    this.signal('SIGKILL');
  }

  /** To its whole group. */
  private signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // already ended
    }
  }
}
