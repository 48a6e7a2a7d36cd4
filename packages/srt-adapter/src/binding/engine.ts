import { EpollLoop } from './epoll-loop.js';
import { loadLibsrt, type LibsrtFunctions } from './libsrt-functions.js';
import { StatisticsReader } from './statistics.js';

/** What sockets and listeners use while the library is running. */
export interface Running {
  readonly srt: LibsrtFunctions;
  readonly loop: EpollLoop;
  readonly statistics: StatisticsReader;
}

const engines = new Map<string, Engine>();

/** The engine for this library, one per process. */
export function engineOf(names: readonly string[]): Engine {
  const key = names.join('\n');
  let engine = engines.get(key);
  if (engine === undefined) engines.set(key, (engine = new Engine(names)));
  return engine;
}

/**
 * libsrt, started for its first user and cleaned up after the last: a process that exits while its threads run may crash. libsrt
 * itself counts its users, so several copies of this module in one process do no harm.
 */
export class Engine {
  private srt: LibsrtFunctions | undefined = undefined;
  private running: Running | undefined = undefined;
  private users = 0;

  constructor(private readonly names: readonly string[]) {}

  /** Every `acquire` needs a `release`. @throws StreamSessionsError ERR_SRT_UNAVAILABLE */
  acquire(): Running {
    this.srt ??= loadLibsrt(this.names);
    if (this.running === undefined) {
      this.srt.startup();
      this.running = { srt: this.srt, loop: new EpollLoop(this.srt), statistics: new StatisticsReader() };
    }
    this.users++;
    return this.running;
  }

  /** Resolves when libsrt's threads have ended, if this was the last user. Its sockets must be closed by then. */
  async release(): Promise<void> {
    const { running } = this;
    if (--this.users > 0 || running === undefined) return;
    this.running = undefined;
    await new Promise<void>((done) => running.loop.end(done));
    await new Promise<void>((done) => running.srt.cleanup(done));
  }
}
