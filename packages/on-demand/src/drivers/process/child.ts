import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { LastLines } from './last-lines.js';

/** How long its last words may take after its end: whatever it had started may hold its stderr open. Milliseconds. */
const LAST_WORDS_MS = 200;

/** How a process is started. */
export interface ChildOptions {
  readonly cwd: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** One process of a source. */
export class Child {
  readonly stderr = new LastLines();
  private readonly process: ChildProcess;

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
    this.process.once('exit', (code, signal) => {
      this.signal('SIGKILL'); // anything it had started itself
      const tell = (): void => {
        clearTimeout(timer);
        this.process.off('close', tell).stderr?.destroy();
        const said = this.stderr.last;
        onEnded(`${name} ended with ${signal ?? `code ${code}`}${said === '' ? '' : `: ${said}`}`, this);
      };
      const timer = setTimeout(tell, LAST_WORDS_MS).unref();
      this.process.once('close', tell); // stderr has been read to its end
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
    await once(child.process, 'spawn').catch((error: NodeJS.ErrnoException) => {
      // Node says that the program is missing, whichever of the two is
      if (error.code !== 'ENOENT' || options.cwd === undefined || existsSync(options.cwd)) throw error;
      throw new Error(`its working directory ${options.cwd} does not exist`, { cause: error });
    });
    // a source does not keep us running
    child.process.unref();
    (child.process.stderr as Socket | null)?.unref();
    return child;
  }

  get pid(): number {
    return this.process.pid as number;
  }

  private get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Asks the process to end, and kills it after this many milliseconds. Resolves when it has ended, and its group with it. */
  async end(graceMs: number): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await ended;
    clearTimeout(timer);
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
