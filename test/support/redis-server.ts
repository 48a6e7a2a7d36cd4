import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endChild, untilReady } from './child-server.js';
import { freePort } from './free-port.js';

/** A real Redis of this test's own, on a free port of 127.0.0.1. */
export interface RedisServer {
  readonly port: number;
  readonly folder: string;
  /** As a process: SIGSTOP makes it slow, SIGCONT fast again. */
  signal(name: NodeJS.Signals): void;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** The same port again. */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** @param argsFor makes arguments of `redis-server`, and files that they name, of the folder in which it runs */
export async function startRedis(argsFor: (folder: string, port: number) => string[] = () => []): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sessions-redis-'));
  const port = await freePort();
  const args = argsFor(folder, port);
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    const plain = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    // a file of its own says all of it
    child = spawn('redis-server', args[0]?.endsWith('.conf') ? args : [...plain, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await untilReady(child, child.stdout, /Ready to accept connections|Sentinel ID is/);
  };
  await start();
  return {
    port,
    folder,
    signal: (name) => void child.kill(name),
    kill: () => endChild(child, 'SIGKILL'),
    restart: start,
    stop: async () => {
      await endChild(child, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
