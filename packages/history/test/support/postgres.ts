import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endChild, untilReady } from '../../../../test/support/child-server.js';
import { freePort } from '../../../../test/support/free-port.js';

/** A real PostgreSQL of this test's own, on a free port of 127.0.0.1. */
export interface PostgresServer {
  readonly url: string;
  readonly folder: string;
  /** As a process: SIGSTOP makes it slow, SIGCONT fast again. */
  signal(name: NodeJS.Signals): void;
  /** Ends it at once, with all of its connections. */
  halt(): Promise<void>;
  /** The same port and the same files again. */
  restart(): Promise<void>;
  /** Whatever a test that failed in the middle has left: it runs, and is not held up. */
  resume(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** Debian has them where the shell does not look. */
function programs(): string {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const [latest] = versions.sort((a, b) => Number(b) - Number(a));
  return latest === undefined ? '' : `/usr/lib/postgresql/${latest}/bin/`;
}

/** PostgreSQL does not run as root: Debian's package has made somebody for it. */
function somebody(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (of: string): number => Number(execFileSync('id', [of, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** @param settings more lines of its configuration, `name=value` */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-pg-'));
  const as = somebody();
  if (as !== undefined) chownSync(folder, as.uid, as.gid);
  const data = path.join(folder, 'data');
  const options = { ...as, cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8' } };
  const init = ['-D', data, '-U', 'history', '--auth=trust', '--encoding=UTF8', '--no-sync'];
  execFileSync(`${programs()}initdb`, init, { ...options, stdio: 'pipe' });
  const port = await freePort();
  const given = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, ...settings];
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    const args = ['-D', data, ...given.flatMap((setting) => ['-c', setting])];
    child = spawn(`${programs()}postgres`, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    await untilReady(child, child.stderr, /ready to accept connections/);
  };
  const halt = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill('SIGCONT');
    await endChild(child, signal);
  };
  await start();
  return {
    url: `postgres://history@127.0.0.1:${port}/postgres`,
    folder,
    signal: (name) => void child.kill(name),
    // SIGQUIT is PostgreSQL's own way to stop at once
    halt: () => halt('SIGQUIT'),
    restart: start,
    resume: async () => {
      child.kill('SIGCONT');
      if (child.exitCode !== null || child.signalCode !== null) await start();
    },
    stop: async () => {
      await halt('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
