import { execFile } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * When a process began, according to `ps`: together with the pid it identifies a process, because pids are reused. Undefined:
 * there is no such process.
 */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { env: { ...process.env, LC_ALL: 'C' } });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Records the processes we started in files: if nothing ends them when we crash, the next start does. */
export class PidFiles {
  private readonly folder: string;

  constructor(folder: string | undefined) {
    this.folder = folder ?? path.join(tmpdir(), `stream-sessions-${process.getuid?.() ?? 'user'}`);
  }

  async write(stream: string, pid: number): Promise<void> {
    const startedAt = await startOf(pid);
    if (startedAt === undefined) return;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.check();
    writeFileSync(this.fileOf(stream), JSON.stringify({ pid, startedAt }), { mode: 0o600 });
  }

  /** A file that stays does no harm: it names a process with the time of its start. */
  remove(stream: string): void {
    try {
      rmSync(this.fileOf(stream), { force: true });
    } catch {
      // such as in a folder of another user
    }
  }

  /** Ends what a crashed process of ours left running for this stream. */
  async endLeftOver(stream: string): Promise<void> {
    let left: { pid?: unknown; startedAt?: unknown };
    try {
      this.check();
      left = JSON.parse(readFileSync(this.fileOf(stream), 'utf8')) as typeof left;
    } catch {
      return; // there is none, or it is not ours
    }
    const { pid, startedAt } = left;
    if (Number.isInteger(pid) && Number(pid) > 1 && (await startOf(Number(pid))) === startedAt) kill(Number(pid));
    this.remove(stream);
  }

  /** In a folder that others may write to, anyone could name a process. */
  private check(): void {
    const { uid } = lstatSync(this.folder);
    if (process.getuid !== undefined && uid !== process.getuid())
      throw new Error(`${this.folder} belongs to another user`);
    chmodSync(this.folder, 0o700);
  }

  private fileOf(stream: string): string {
    return path.join(this.folder, `${encodeURIComponent(stream)}.pid`);
  }
}

/** The whole group, because each of our processes leads one. */
function kill(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}
