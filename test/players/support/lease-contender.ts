import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** A process that has a lease of sources, and does what it is told. */
export class LeaseContender {
  private readonly child;
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private asked = 0;

  constructor(folder: string) {
    this.child = fork(path.join(__dirname, 'lease-contender.mjs'), [folder], { execArgv: [] });
    this.child.on('message', (message: Answer) => this.waiting.get(message.id)?.(message));
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async call<T>(verb: string, ...args: unknown[]): Promise<T> {
    const id = ++this.asked;
    this.child.send({ id, verb, args });
    const message = await new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    if (message.error !== undefined) throw new Error(message.error);
    return message.answer as T;
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
