import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { checkText, checkTexts, checkTimer } from '../../checks.js';
import type { SourceDriver, SourceRun, SourceTarget } from '../../driver.js';
import { fill, placeholdersOf } from '../../pattern.js';
import { Child } from './child.js';
import { PidFiles } from './pid-files.js';
import { findSetpriv, tethered } from './tether.js';

/** Options of `processDriver()`. */
export interface ProcessDriverOptions {
  /**
   * The program and its arguments, with placeholders: `['ffmpeg', '-i', 'rtsp://camera-{id}/', 'media/{stream}/index.m3u8']`. No
   * shell interprets them.
   */
  readonly command: readonly string[];
  /** Its working directory, with placeholders. Default: that of this process. */
  readonly cwd?: string | undefined;
  /** Its environment. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** How long it may take to end after SIGTERM, before SIGKILL. Default 5,000 ms. */
  readonly stopTimeoutMs?: number | undefined;
  /**
   * What ends it when this process crashes. `kernel`: Linux does, at once, through `setpriv` of util-linux. `pid-file`: the next
   * start of the same stream does. Default: `kernel` where available.
   */
  readonly orphans?: 'kernel' | 'pid-file' | undefined;
  /** Where pid files are stored. Default: a per-user folder in the temporary directory. */
  readonly pidFolder?: string | undefined;
}

const KNOWN = ['command', 'cwd', 'env', 'stopTimeoutMs', 'orphans', 'pidFolder'];

/**
 * Sources that are processes, such as ffmpeg: one for each stream.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example
 * processDriver({ command: ['ffmpeg', '-i', 'rtsp://10.0.0.{id}/', '-c', 'copy', 'media/cam-{id}/index.m3u8'] })
 */
export function processDriver(options: ProcessDriverOptions): SourceDriver {
  checkOptions('processDriver()', options, KNOWN);
  const { command, cwd, env = process.env, stopTimeoutMs = 5_000, orphans, pidFolder } = options;
  if (!Array.isArray(command) || command.length === 0 || !command.every((part) => typeof part === 'string')) {
    throw badOption('command', "a list like ['ffmpeg', '-i', …]", command);
  }
  if (/\{\w+\}/.test(String(command[0]))) throw badOption('command', 'one whose program has no placeholder', command);
  for (const [name, value] of Object.entries({ cwd, pidFolder })) checkText(name, value);
  checkTexts('env', env);
  checkTimer('stopTimeoutMs', stopTimeoutMs, 0);
  const setpriv = orphans === 'pid-file' ? undefined : findSetpriv();
  if (orphans !== undefined && orphans !== 'pid-file' && (orphans !== 'kernel' || setpriv === undefined)) {
    throw badOption('orphans', '"pid-file", or "kernel" on Linux with setpriv in the PATH', orphans);
  }
  return new ProcessDriver(command, cwd, env, stopTimeoutMs, setpriv, new PidFiles(pidFolder));
}

class ProcessDriver implements SourceDriver {
  readonly name: string;
  readonly placeholders: readonly string[];
  private readonly children = new Map<string, Child>();
  /** For processes that the kernel does not end. */
  private readonly killAll = (): void => this.children.forEach((child) => child.kill());

  constructor(
    private readonly command: readonly string[],
    private readonly cwd: string | undefined,
    private readonly env: NodeJS.ProcessEnv,
    private readonly stopTimeoutMs: number,
    private readonly setpriv: string | undefined,
    private readonly pids: PidFiles,
  ) {
    this.name = `process ${command[0]}`;
    this.placeholders = [...command, cwd ?? ''].flatMap(placeholdersOf);
  }

  async start(target: SourceTarget, run: SourceRun): Promise<void> {
    const { stream } = target;
    const { signal } = run;
    if (this.setpriv === undefined) await this.pids.endLeftOver(stream);
    signal.throwIfAborted();
    const command = this.command.map((part) => argument(part, target));
    const cwd = this.cwd === undefined ? undefined : fill(this.cwd, target);
    const whole = this.setpriv === undefined ? command : tethered(this.setpriv, command);
    const child = await Child.start(whole, command[0] as string, { cwd, env: this.env }, (how, ended) => {
      if (this.children.get(stream) === ended) this.forget(stream);
      run.ended(how);
    });
    if (this.children.size === 0) process.on('exit', this.killAll);
    this.children.set(stream, child);
    if (signal.aborted) return this.stop(target);
    if (this.setpriv !== undefined) return;
    try {
      await this.pids.write(stream, child.pid);
    } catch (error) {
      // a failed start leaves nothing running
      await this.stop(target);
      throw error;
    }
  }

  async stop({ stream }: SourceTarget): Promise<void> {
    const child = this.children.get(stream);
    if (child === undefined) return;
    await child.end(this.stopTimeoutMs);
    if (this.children.get(stream) === child) this.forget(stream);
  }

  state({ stream }: SourceTarget): 'running' | 'stopped' {
    return this.children.has(stream) ? 'running' : 'stopped';
  }

  async close(): Promise<void> {
    await Promise.all([...this.children.values()].map((child) => child.end(this.stopTimeoutMs)));
  }

  private forget(stream: string): void {
    this.children.delete(stream);
    if (this.setpriv === undefined) this.pids.remove(stream);
    if (this.children.size === 0) process.off('exit', this.killAll);
  }
}

/** A captured value may begin with a dash, and must not become an option of the program. */
function argument(template: string, target: SourceTarget): string {
  const filled = fill(template, target);
  if (filled.startsWith('-') && !template.startsWith('-')) {
    throw new Error(`"${filled}" would be an option of the program, because the name of the stream begins with a dash`);
  }
  return filled;
}
