import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import type { WireSession } from '@stream-sessions/core';
import { pace } from '../support/until.js';
import { launchChromium } from './support/browser.js';
import { quietPorts } from './support/quiet-ports.js';
import { encodeLoop } from './support/live-flv.js';
import { dispose, startLiveOrigin, type LiveOrigin } from './support/live-origin.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

const KILLS = 20;
const KEY = 'a-key-for-this-test-only';
const SERVER = path.join(__dirname, 'support/restart-server.mjs');

let folder: string;
let env: NodeJS.ProcessEnv;
let ports: Record<'PORT' | 'RTMP_PORT' | 'FLV_PORT' | 'RTSP_PORT' | 'SRT_PORT', string>;
let browser: Browser;
/** Of the test that runs, or runs once more: ends with it. */
let attempt = { isOver: false };
const children = new Set<ChildProcess>();

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  const [PORT, RTMP_PORT, FLV_PORT, RTSP_PORT, SRT_PORT] = (await quietPorts(5)).map(String) as [
    string,
    string,
    string,
    string,
    string,
  ];
  ports = { PORT, RTMP_PORT, FLV_PORT, RTSP_PORT, SRT_PORT };
  env = { ...process.env, ...ports, KEY, HOST: '' };
  browser = await launchChromium();
});
beforeEach(() => (attempt = { isOver: false }));
afterEach(async () => {
  attempt.isOver = true;
  for (const child of children) await kill(child);
  for (const context of browser.contexts()) await context.close();
  for (const file of readdirSync(folder)) rmSync(path.join(folder, file), { recursive: true, force: true });
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const origin = (): string => `http://127.0.0.1:${ports.PORT}/`;

/** Runs it again and again, as whoever wants to publish or to watch does. */
function keepRunning(args: readonly string[], mine = attempt): void {
  if (mine.isOver) return;
  const child = spawn(program('ffmpeg'), ['-v', 'error', '-nostdin', ...args], { stdio: 'ignore' });
  children.add(child);
  child.once('exit', () => {
    children.delete(child);
    setTimeout(() => keepRunning(args, mine), 200);
  });
}

async function startServer(): Promise<ChildProcess> {
  const files = ['media', 'tracker.state', 'events.jsonl'].map((name) => path.join(folder, name));
  const child = fork(SERVER, files, { env, execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.add(child);
  return child;
}

async function listening(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the server has ended: ${code}`)));
  await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined); // later it may
}

async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function api(method: string, where: string): Promise<any> {
  const ask = () => fetch(new URL(`api/${where}`, origin()), { method, headers: { authorization: `Bearer ${KEY}` } });
  // a connection that is kept for the next request may be one to the process before
  const response = await ask().catch(ask);
  return response.status === 204 ? undefined : response.json();
}

const active = async (): Promise<WireSession[]> =>
  (await api('GET', 'sessions?status=active&kind=viewer&limit=1000')).sessions;

/** A viewer without a picture: asks for the playlist and its last segment each second, whatever happens. */
class Viewer {
  received = 0;
  lastStatus = 0;

  constructor(
    readonly ip: string,
    readonly agent: string,
    private readonly named: (request: number, isPlaylist: boolean) => { query?: string; sid?: string },
  ) {}

  async play({ isOver }: { isOver: () => boolean }): Promise<void> {
    for (let request = 0; !isOver(); request++) {
      const playlist = await this.get('index.m3u8', request, true);
      const segment = playlist
        ?.split('\n')
        .filter((line) => line.includes('.ts'))
        .at(-1);
      if (segment !== undefined) await this.get(segment, request, false);
      await pace(1_000);
    }
  }

  private async get(file: string, request: number, isPlaylist: boolean): Promise<string | undefined> {
    const { query = '', sid } = this.named(request, isPlaylist);
    const headers = {
      'x-forwarded-for': this.ip,
      'user-agent': this.agent,
      ...(sid && { 'cmcd-session': `sid="${sid}"` }),
    };
    try {
      const response = await fetch(new URL(`live/demo/${file}${query}`, origin()), { headers });
      this.lastStatus = response.status;
      const body = Buffer.from(await response.arrayBuffer());
      if (response.ok) this.received += body.length;
      return response.ok ? body.toString('latin1') : undefined;
    } catch {
      return undefined; // nobody is there, or no longer
    }
  }
}

const each = (count: number, make: (n: number) => Viewer): Viewer[] => Array.from({ length: count }, (_, n) => make(n));

/** Two networks of many viewers each, and some who have an address of their own. */
const viewers = [
  ...each(10, (n) => new Viewer('10.0.0.1', 'tv/1.0', () => ({ query: `?token=tv-${n}` }))),
  ...each(10, (n) => new Viewer('10.0.0.2', 'app/1.0', () => ({ sid: `app-${n}` }))),
  ...each(9, (n) => new Viewer(`10.0.1.${n}`, 'plain/1.0', () => ({}))),
  ...each(7, (n) => new Viewer(`10.0.2.${n}`, 'late/1.0', (request) => (request < 3 ? {} : { sid: `late-${n}` }))),
  ...each(
    7,
    (n) => new Viewer(`10.0.3.${n}`, 'pl/1.0', (_, isPlaylist) => (isPlaylist ? { query: `?token=pl-${n}` } : {})),
  ),
];

const PAGES = [
  'player=hls&token=hls-token',
  'player=hls&cmcd=0f9a3a36-9d0c-4a52-8f63-2d0f8c1b7e10',
  'player=hls',
  'player=dash',
];

async function putOnAir(): Promise<void> {
  const demo = path.join(folder, 'media/demo');
  mkdirSync(demo, { recursive: true });
  const loop = encodeLoop(folder);
  const input = ['-re', '-stream_loop', '-1', '-i', loop, '-c', 'copy'];
  const hls = [
    '-f',
    'hls',
    '-hls_time',
    '1',
    '-hls_list_size',
    '8',
    '-hls_flags',
    'delete_segments',
    '-hls_segment_filename',
  ];
  const dash = ['-f', 'dash', '-seg_duration', '1', '-window_size', '8', '-extra_window_size', '8', '-streaming', '0'];
  keepRunning([
    ...input,
    ...hls,
    path.join(demo, '%d.ts'),
    path.join(demo, 'index.m3u8'),
    '-c',
    'copy',
    ...dash,
    path.join(demo, 'manifest.mpd'),
  ]);
  keepRunning([...input, '-f', 'flv', `rtmp://127.0.0.1:${ports.RTMP_PORT}/live/demo`]);
  keepRunning([...input, '-rtsp_transport', 'tcp', '-f', 'rtsp', `rtsp://127.0.0.1:${ports.RTSP_PORT}/live/demo`]);
  keepRunning([...input, '-f', 'mpegts', `srt://127.0.0.1:${ports.SRT_PORT}?streamid=#!::r=live/demo,m=publish`]);
  await until(
    'there is something to play',
    () => existsSync(path.join(demo, '2.ts')) && existsSync(path.join(demo, 'manifest.mpd')),
  );
}

async function watch(): Promise<void> {
  const mine = attempt;
  for (const viewer of viewers) void viewer.play({ isOver: () => mine.isOver });
  for (const url of [
    `rtmp://127.0.0.1:${ports.RTMP_PORT}/live/demo`,
    `rtsp://127.0.0.1:${ports.RTSP_PORT}/live/demo`,
    `srt://127.0.0.1:${ports.SRT_PORT}?streamid=live/demo`,
  ]) {
    keepRunning([
      ...(url.startsWith('rtsp') ? ['-rtsp_transport', 'tcp'] : []),
      '-i',
      url,
      '-c',
      'copy',
      '-f',
      'null',
      '-',
    ]);
  }
  for (const [n, page] of PAGES.entries()) {
    const context = await browser.newContext({ extraHTTPHeaders: { 'X-Forwarded-For': `10.0.4.${n}` } });
    await (await context.newPage()).goto(`${origin()}player?${page}`);
  }
}

const key = ({ id, opened_at }: WireSession): string => `${id} ${opened_at}`;

it(`keeps everybody through ${KILLS} times kill -9, and keeps out who was kicked`, async () => {
  let server = await startServer();
  await listening(server);
  await putOnAir();
  await watch();
  const all = viewers.length + 3 + PAGES.length;
  const before = await until('all of them watch, and have the names they will have', async () => {
    const list = await active();
    const named = list.filter(({ user_agent, named_by }) => user_agent === 'late/1.0' && named_by === 'cmcd');
    return list.length === all && named.length === 7 && list.every(({ bytes }) => bytes > 0) && list;
  });
  expect(all).toBe(50);
  const kicked = before.find(({ user_agent, ip }) => user_agent === 'tv/1.0' && ip === '10.0.0.1')!;
  await api('DELETE', `sessions/${kicked.id}`);
  const stayed = before.filter(({ id }) => id !== kicked.id);

  // how far they are is written down every five seconds
  await pace(6_000);

  for (let n = 0; n < KILLS; n++) {
    // now and then while it is still reading what the last one has left
    const isEarly = n % 7 === 6;
    await pace(isEarly ? 50 : Math.random() * 1_500);
    await kill(server);
    server = await startServer();
    if (n % 7 !== 5 || n === KILLS - 1) await listening(server);
  }
  const after = await until('everybody is back', async () => {
    const list = await active();
    return list.length >= stayed.length && list;
  });
  // the same visits, and none twice
  expect(after.map(key).sort()).toEqual(stayed.map(key).sort());
  for (const { id, bytes, duration_sec } of stayed) {
    const now = after.find((session) => session.id === id)!;
    expect(now.bytes).toBeGreaterThanOrEqual(bytes);
    expect(now.duration_sec).toBeGreaterThanOrEqual(duration_sec);
  }
  expect(viewers.filter(({ lastStatus }) => lastStatus === 403)).toHaveLength(1);

  const events = readFileSync(path.join(folder, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const told = (name: string): string[] =>
    events.filter((event) => event.name === name).map(({ id, openedAt }) => `${id} ${openedAt}`);
  expect(told('opened').length).toBe(new Set(told('opened')).size);
  const opened = new Set(told('opened'));
  expect(
    stayed.map(({ id, opened_at }) => `${id} ${Date.parse(opened_at)}`).filter((visit) => !opened.has(visit)),
  ).toEqual([]);
  const closed = events.filter(({ name, id }) => name === 'closed' && before.some((session) => session.id === id));
  expect(closed.map(({ id, reason }) => [id, reason])).toEqual([[kicked.id, 'kicked']]);

  // over HTTP: a connection may end while its publisher is away
  const requests = (await active()).filter(({ proto }) => proto === 'hls' || proto === 'dash');
  const exact = new Map(requests.map(({ id, bytes }) => [id, bytes]));
  await kill(server, 'SIGTERM');
  server = await startServer();
  await listening(server);
  const last = await until('everybody is back once more', async () => {
    const list = await active();
    return [...exact.keys()].every((id) => list.some((session) => session.id === id)) && list;
  });
  for (const [id, bytes] of exact)
    expect(last.find((session) => session.id === id)?.bytes).toBeGreaterThanOrEqual(bytes);
}, 400_000);

it('npm start goes on with its viewers, and its page shows them', async () => {
  const STATE = path.join(folder, 'live-origin.state');
  const options = { ...env, STATE, PORT: String((await quietPorts(1))[0]) };
  let live: LiveOrigin | undefined = await startLiveOrigin(options);
  try {
    const url = new URL(live.url).origin;
    const ask = () => fetch(`${url}/live/demo/ts/master.m3u8?token=secret`, { headers: { 'user-agent': 'tv/1.0' } });
    await ask();
    const page = await browser.newPage();
    const list = async () => {
      await page.goto(`${url}/?key=${KEY}`);
      await until('the page lists it', async () => (await page.locator('#viewers tr[data-session]').count()) > 0);
      return page
        .locator('#viewers tr[data-session]')
        .evaluateAll((rows: any[]) => rows.map((row) => row.dataset.session as string));
    };
    const [id] = await list();
    await pace(200);
    await live.stop('SIGKILL');
    live = await startLiveOrigin(options);
    expect((await ask()).status).toBe(200);
    expect(await list()).toContain(id);
    await live.stop();
  } finally {
    await dispose(live);
  }
}, 150_000);
