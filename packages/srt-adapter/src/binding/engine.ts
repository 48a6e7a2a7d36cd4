import { EpollLoop } from './epoll-loop.js';
import { loadLibsrt, type LibsrtFunctions } from './libsrt-functions.js';
import { StatisticsReader } from './statistics.js';

/** What sockets and listeners work with, while the library runs. */
export interface Running {
  readonly srt: LibsrtFunctions;
  readonly loop: EpollLoop;
  readonly statistics: StatisticsReader;
}

const engines = new Map<string, Engine>();

/** The engine of this library, one in a process. */
export function engineOf(names: readonly string[]): Engine {
  const key = names.join('\n');
  let engine = engines.get(key);
  if (engine === undefined) engines.set(key, (engine = new Engine(names)));
  return engine;
}

/**
 * libsrt, started for the first who needs it and cleaned up after the last: a process that ends with its threads running may
 * crash at that. libsrt counts its users itself, so that other copies of this module in a process are no trouble.
 */
export class Engine {
  private srt: LibsrtFunctions | undefined = undefined;
  private running: Running | undefined = undefined;
  private users = 0;

  constructor(private readonly names: readonly string[]) {}

  /** Every `acquire` has its `release`. @throws StreamSessionsError ERR_SRT_UNAVAILABLE */
  acquire(): Running {
    this.srt ??= loadLibsrt(this.names);
    if (this.running === undefined) {
      this.srt.startup();
      this.running = { srt: this.srt, loop: new EpollLoop(this.srt), statistics: new StatisticsReader() };
    }
    this.users++;
    return this.running;
  }

  /** Resolves when libsrt's threads have ended, if this was the last user. Its sockets are closed by then. */
  async release(): Promise<void> {
    const { running } = this;
    if (--this.users > 0 || running === undefined) return;
    this.running = undefined;
    await new Promise<void>((done) => running.loop.end(done));
    await new Promise<void>((done) => running.srt.cleanup(done));
  }
}
