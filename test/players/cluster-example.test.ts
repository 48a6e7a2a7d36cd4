import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '../support/free-port.js';
import { startRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { publishHls, untilOnAir } from './support/live-hls.js';
import { isAlive } from './support/processes.js';

const program = path.join(__dirname, '../../examples/cluster/server.mjs');
const KEY = 'the-key-of-this-test';
const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
let channel: ChildProcess;
let running: ChildProcess | undefined;

beforeAll(async () => {
  mkdirSync(path.join(folder, 'media/cam1'), { recursive: true });
  const playlist = path.join(folder, 'media/cam1/index.m3u8');
  channel = publishHls(playlist);
  await untilOnAir(playlist);
}, 90_000);

/** A machine that does much else is slow to answer. */
const PATIENCE_MS = 30_000;

afterEach(() => {
  // all of the group, as Ctrl-C does: what a failed test has left
  if (running?.pid !== undefined && running.exitCode === null) process.kill(-running.pid, 'SIGKILL');
});

afterAll(() => {
  endPlayers();
  channel.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Runs it in a folder and a process group of its own. */
async function start(env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    // the socket of the workers goes there as well
    env: { ...process.env, PORT: String(await freePort()), MEDIA: 'media', KEY, TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  running = child;
  const said = { output: '' };
  child.stdout.on('data', (data: Buffer) => (said.output += data.toString()));
  const [, url = ''] = await until(
    'it runs',
    () => {
      if (child.exitCode !== null) throw new Error(`It has ended with ${child.exitCode}: is it built?`);
      return /(http:\/\/127\.0\.0\.1:\d+)\/api/.exec(said.output);
    },
    60_000,
  );
  return { child, url, said };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Each request is a connection of its own, and so for another worker. */
function ask(url: string, method: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: new Agent({ keepAlive: false }) }, (answer) => {
      let text = '';
      answer.on('data', (data: Buffer) => (text += data.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function api(url: string, method: string, to: string): Promise<{ status: number; body: any }> {
  const { status, text } = await ask(`${url}/api/${to}`, method, { authorization: `Bearer ${KEY}` });
  return { status, body: text === '' ? undefined : JSON.parse(text) };
}

it('the example of a cluster is about forty lines', () => {
  expect(readFileSync(program, 'utf8').trimEnd().split('\n').length).toBeLessThan(45);
});

it('starts a worker again that an exception has ended, or a signal, after a pause', async () => {
  const crashes = path.join(folder, 'crashes.mjs');
  const lines = [
    `import workers from 'node:cluster';`,
    `if (workers.isWorker) console.log('worker', process.pid, 'started at', Date.now());`,
    `if (workers.isWorker) process.once('SIGUSR2', () => { throw new Error('It has crashed.'); });`,
  ];
  writeFileSync(crashes, lines.join('\n'));
  const { child, said } = await start({ NODE_OPTIONS: `--import=${pathToFileURL(crashes).href}` });
  const started = () =>
    [...said.output.matchAll(/^worker (\d+) started at (\d+)$/gm)].map(([, pid, at]) => [Number(pid), Number(at)]);
  await until('all have started', () => started().length === 4, PATIENCE_MS);
  for (const [n, signal] of (['SIGUSR2', 'SIGKILL'] as const).entries()) {
    const endedAt = Date.now();
    process.kill(started()[n]![0]!, signal);
    await until('another one has started', () => started().length === 5 + n, PATIENCE_MS);
    expect(started()[4 + n]![1]! - endedAt).toBeGreaterThan(900);
  }
  child.kill('SIGTERM'); // as systemd and Docker do: the first process alone
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(started()).toHaveLength(6);
  expect(isAlive(-child.pid!)).toBe(false);
}, 120_000);

it('ends where its workers cannot start, and does not try for ever', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const env = { ...process.env, PORT: String(port), KEY, TMPDIR: folder };
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  running = child;
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(said).toContain('EADDRINUSE');
  taken.close();
}, 60_000);

it.each([['a socket'], ['Redis']])(
  'shows one row of a player that uses four workers, and stops it from any of them, over %s',
  async (over) => {
    const redis = over === 'Redis' ? await startRedis() : undefined;
    try {
      const { child, url, said } = await start(redis && { REDIS_URL: `redis://127.0.0.1:${redis.port}` });
      const live = `${url}/live/cam1/index.m3u8`;
      const players = ['mallory', 'neighbour'].map((userAgent) => playWithFfmpeg(live, { userAgent, fresh: true }));
      // a worker that has no time to answer is named as missing, and the list is one of the others
      const rows = () =>
        until(
          'all workers answer',
          async () => {
            const { status, body } = await api(url, 'GET', 'sessions?status=active');
            return status === 200 && body.partial !== true && body.sessions;
          },
          PATIENCE_MS,
        );
      const rowOf = async (name: string) => (await rows()).find(({ user_agent }: any) => user_agent === name);
      const isAtFour = async (name: string) => (await rowOf(name))?.nodes.length === 4;
      await until(
        'all workers have seen both',
        async () => (await isAtFour('mallory')) && isAtFour('neighbour'),
        40_000,
      );
      const { id, bytes } = await rowOf('mallory');
      expect(bytes).toBeGreaterThan(1_000);
      for (let n = 0; n < 8; n++) {
        expect((await rows()).map((row: any) => row.user_agent).sort()).toEqual(['mallory', 'neighbour']);
        const found = async () => (await api(url, 'GET', `sessions/${id}`)).body?.user_agent === 'mallory';
        await until('each worker finds it', found, PATIENCE_MS);
      }

      // 202 where a worker has not said within a second that it has cut
      expect([202, 204]).toContain((await api(url, 'DELETE', `sessions/${id}`)).status);
      // 503 while a worker has not said that it has no such session
      const isGone = async () => (await api(url, 'DELETE', `sessions/${id}`)).status === 404;
      await until('nobody has it any more', isGone, PATIENCE_MS);
      const statuses = async () => {
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => ask(live, 'GET', { 'user-agent': 'mallory' })),
        );
        return answers.map(({ status }) => status);
      };
      await until('all keep it out', async () => (await statuses()).every((status) => status === 403), PATIENCE_MS);
      const again = await playWithFfmpeg(live, { userAgent: 'mallory', seconds: 1 }).ended;
      expect(again.code).not.toBe(0);
      expect(again.stderr).toContain('403');
      expect(await statuses()).toEqual(Array.from({ length: 8 }, () => 403));
      const before = (await rowOf('neighbour')).bytes;
      await until('the neighbour plays on', async () => (await rowOf('neighbour')).bytes > before, PATIENCE_MS);
      await until('it is reported', () => /^- .* left cam1: kicked$/m.test(said.output), PATIENCE_MS);
      expect(said.output.match(/^\+ .* watches cam1$/gm)).toHaveLength(2);
      expect(await rows()).toHaveLength(1);

      for (const player of players) player.kill('SIGKILL');
      process.kill(-child.pid!, 'SIGINT');
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(isAlive(-child.pid!)).toBe(false);
    } finally {
      await redis?.stop();
    }
  },
  120_000,
);
