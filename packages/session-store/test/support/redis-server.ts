import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
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
    await ready(child);
  };
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  await start();
  return {
    port,
    folder,
    signal: (name) => void child.kill(name),
    kill: () => kill('SIGKILL'),
    restart: start,
    stop: async () => {
      await kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Until it says so; what it says afterwards is let go. */
async function ready(child: ChildProcess): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${said}`)));
    child.stdout?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-4_000);
      if (/Ready to accept connections|Sentinel ID is/.test(said)) resolve();
    });
  });
}
