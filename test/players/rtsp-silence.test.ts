import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker, type Clock, type SessionTracker } from '@stream-sessions/core';
import { createRtspServer, type RtspServer } from '@stream-sessions/rtsp-adapter';
import { encodeLoop } from './support/live-flv.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

/** Real programs that are frozen: their kernels go on answering for them. The rows of docs/silence.md, with a shorter timeout. */
const SESSION_TIMEOUT_MS = 10_000;
const PLAYER_OVER_TCP_MS = 25_000;
/** Looks come once a second, and the machine has other things to do. */
const SOON_MS = 10_000;
/** As soon as a program is frozen, the server's time runs so many times faster. */
const HURRY = 5;

let [pace, pacedSince, pacedFrom] = [1, Date.now(), Date.now()];
const clock: Clock = {
  now: () => pacedFrom + (Date.now() - pacedSince) * pace,
  setTimeout: (fn, ms) => setTimeout(fn, ms / pace),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
function runTime(times: number): void {
  [pacedFrom, pacedSince, pace] = [clock.now(), Date.now(), times];
}

const children: ChildProcess[] = [];
let folder: string;
let loop: string;
let server: RtspServer;
let tracker: SessionTracker;
let port: number;

const url = (stream: string): string => `rtsp://127.0.0.1:${port}/live/${stream}`;

function run(name: string, args: string[]): ChildProcess {
  const child = spawn(program(name), args, { stdio: 'ignore' });
  children.push(child);
  return child;
}

async function publish(stream: string, over: string): Promise<ChildProcess> {
  const input = ['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', loop, '-c', 'copy'];
  const publishers = () => tracker.list({ kind: 'input', stream, status: 'active' }).length;
  const child = run('ffmpeg', [...input, '-f', 'rtsp', '-rtsp_transport', over, url(stream)]);
  await until(`${stream} is on air`, () => publishers() === 1 && server.streams.includes(stream));
  return child;
}

const players: Record<string, (stream: string, over: string) => ChildProcess> = {
  ffmpeg: (stream, over) =>
    run('ffmpeg', [
      '-v',
      'error',
      '-nostdin',
      '-rtsp_transport',
      over,
      '-i',
      url(stream),
      '-c',
      'copy',
      '-f',
      'null',
      '-',
    ]),
  GStreamer: (stream, over) =>
    run('gst-launch-1.0', ['-q', 'rtspsrc', `location=${url(stream)}`, `protocols=${over}`, '!', 'fakesink']),
};

/** The one of this kind on the stream. */
const session = (kind: 'viewer' | 'input', stream: string) => tracker.list({ kind, stream, status: 'active' })[0];

/** Freezes it, and tells how its session was closed, and after how long. */
async function frozen(child: ChildProcess, kind: 'viewer' | 'input', stream: string): Promise<[string?, number?]> {
  const { id } = session(kind, stream)!;
  const since = clock.now();
  child.kill('SIGSTOP');
  runTime(HURRY);
  await until('it is closed', () => tracker.get(id)?.closeReason !== undefined, { timeoutMs: 30_000, everyMs: 20 });
  return [tracker.get(id)?.closeReason, clock.now() - since];
}

/** Whether all who are on the server have reported: a player over TCP that never does is known by what it does not take. */
function haveReported(): boolean {
  const { connections } = (server as unknown as { relay: { connections: Set<{ silence: { reports: number } }> } })
    .relay;
  return [...connections].every(({ silence }) => silence.reports >= 2);
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  loop = encodeLoop(folder);
  tracker = createTracker();
  server = createRtspServer({ tracker, clock, sessionTimeoutMs: SESSION_TIMEOUT_MS });
  ({ port } = await server.listen(0, '127.0.0.1'));
}, 60_000);

afterEach(() => {
  runTime(1);
  children.splice(0).forEach((child) => child.kill('SIGKILL'));
});

afterAll(async () => {
  await server.close();
  await tracker.stop();
  rmSync(folder, { recursive: true, force: true });
});

it.each(['tcp', 'udp'])(
  'frozen publishers over %s are closed, and others publish meanwhile',
  async (over) => {
    const stream = `publisher-${over}`;
    const [reason, afterMs] = await frozen(await publish(stream, over), 'input', stream);
    expect(reason).toBe('client_gone');
    expect(afterMs).toBeLessThan(SESSION_TIMEOUT_MS + SOON_MS);
    expect(server.streams).not.toContain(stream);

    const again = `again-${over}`;
    const first = await publish(again, over);
    const { id } = session('input', again)!;
    first.kill('SIGSTOP');
    const since = clock.now();
    void publish(again, over).catch(() => undefined);
    await until('the frozen one is replaced', () => tracker.get(id)?.closeReason === 'replaced');
    expect(clock.now() - since).toBeLessThan(SESSION_TIMEOUT_MS);
  },
  60_000,
);

it.each([
  ['ffmpeg', 'tcp'],
  ['ffmpeg', 'udp'],
  ['GStreamer', 'tcp'],
  ['GStreamer', 'udp'],
])(
  'a frozen %s that plays over %s is closed',
  async (name, over) => {
    const stream = `player-${name}-${over}`;
    await publish(stream, 'tcp');
    const player = players[name]!(stream, over);
    await until('it has reported', () => session('viewer', stream) !== undefined && haveReported(), {
      timeoutMs: 40_000,
    });
    const [reason, afterMs] = await frozen(player, 'viewer', stream);
    expect(reason).toBe('client_gone');
    expect(afterMs).toBeLessThan((over === 'tcp' ? PLAYER_OVER_TCP_MS : SESSION_TIMEOUT_MS) + SOON_MS);
  },
  90_000,
);
