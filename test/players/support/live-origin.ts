import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { WireSession } from '@stream-sessions/core';
import { program } from './programs.js';
import { until } from './until.js';

const SERVER = path.join(__dirname, '../../../examples/live-origin/dist/server.js');

const FREE_PORTS = { PORT: '0', RTMP_PORT: '0', FLV_PORT: '0', RTSP_PORT: '0', SRT_PORT: '0' };

/** The example as its users run it: a process of its own, on a free port, with a temp folder of its own. */
export interface LiveOrigin {
  /** The address that it printed to click, with the key of the list. */
  readonly url: string;
  readonly process: ChildProcess;
  readonly tempFolder: string;
  /** Where it was started. */
  readonly workFolder: string;
  /** What it has printed so far, both streams. */
  output(): string;
  /** Asks its REST API. */
  api(method: string, path: string): Promise<{ status: number; body: any }>;
  sessions(query?: string): Promise<WireSession[]>;
  /** Ends it by a signal and returns how it ended. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; afterMs: number }>;
}

/** Starts the example; resolves when it is on air. `env` is added to this process's own. */
export async function startLiveOrigin(env: NodeJS.ProcessEnv = {}): Promise<LiveOrigin> {
  if (!('PATH' in env)) program('ffmpeg');
  if (!existsSync(SERVER)) throw new Error(`${SERVER} is not there. Run: npm run build`);
  const tempFolder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  const workFolder = mkdtempSync(path.join(tmpdir(), 'players-test-cwd-'));
  const child = spawn(process.execPath, [SERVER], {
    cwd: workFolder, // where it puts the key for scripts
    env: { ...process.env, ...FREE_PORTS, HOST: '', KEY: '', TMPDIR: tempFolder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));

  const stop: LiveOrigin['stop'] = async (signal = 'SIGTERM') => {
    const since = Date.now();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return { code: child.exitCode, afterMs: Date.now() - since };
  };
  const onAir = (): string | undefined => {
    if (child.exitCode !== null) throw new Error(`The example ended (${child.exitCode}):\n${output}`);
    return /On air: (\S+)/.exec(output)?.[1];
  };
  const url = await until('the example is on air', onAir, { timeoutMs: 60_000 }).catch(async (error: unknown) => {
    await stop('SIGKILL');
    const left = readdirSync(tempFolder);
    for (const folder of [tempFolder, workFolder]) rmSync(folder, { recursive: true, force: true });
    throw left.length > 0 ? new Error(`${String(error)}\nIt left files behind: ${left.join(', ')}`) : error;
  });

  const api: LiveOrigin['api'] = async (method, where) => {
    const key = new URL(url).searchParams.get('key');
    const response = await fetch(new URL(`api/${where}`, url), { method, headers: { authorization: `Bearer ${key}` } });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
  return {
    url,
    process: child,
    tempFolder,
    workFolder,
    output: () => output,
    api,
    sessions: async (query = '') => (await api('GET', `sessions${query}`)).body.sessions,
    stop,
  };
}

/** For afterAll: ends it whatever state it is in, and removes its temp folder. */
export async function dispose(origin: LiveOrigin | undefined): Promise<void> {
  await origin?.stop();
  if (!origin) return;
  for (const folder of [origin.tempFolder, origin.workFolder]) rmSync(folder, { recursive: true, force: true });
}
