import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { attachRtmp, type Attachment, type NodeMediaServer } from '@stream-sessions/rtmp-adapter';
import { startServer2 } from '../../packages/rtmp-adapter/test/support/server-2.js';
import { startServer4 } from '../../packages/rtmp-adapter/test/support/server-4.js';
import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { encodeLoop, publishLoop } from './support/live-flv.js';
import { until } from './support/until.js';
import { pace } from '../support/until.js';

/** Real programs that are frozen: their kernels go on answering for them. The rows of docs/silence.md, with a shorter timeout. */
const SILENCE_TIMEOUT_MS = 6_000;
/** Readings come once a second, and the machine has other things to do. */
const SOON_MS = 4_000;
/** As ffmpeg sends it: a head of a chunk, and six bytes. */
const PONG_BYTES = 10;

let folder: string;
let loop: string;
const publishers: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  loop = encodeLoop(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  [4, startServer4],
  [2, startServer2],
] as const)('node-media-server %i', (_version, start) => {
  let server: { readonly rtmp: number; stop(): Promise<void> };
  let tracker: SessionTracker;
  let attachment: Attachment;
  let attempt = 0;

  beforeAll(async () => {
    tracker = createTracker();
    const attach = (nms: NodeMediaServer): unknown =>
      (attachment = attachRtmp(nms, tracker, { silenceTimeoutMs: SILENCE_TIMEOUT_MS }));
    server = await start(attach);
  });
  beforeEach(() => void attempt++);
  afterEach(() => {
    publishers.splice(0).forEach((child) => child.kill('SIGKILL'));
    endPlayers();
  });
  afterAll(async () => {
    await attachment.detach();
    await tracker.stop();
    await server.stop();
  });

  /** Of each attempt its own: what a failed one has left may still be on air. */
  const name = (stream: string): string => `${stream}-${attempt}`;
  const url = (stream: string): string => `rtmp://127.0.0.1:${server.rtmp}/live/${name(stream)}`;
  const session = (kind: 'viewer' | 'input', stream: string) =>
    tracker.list({ kind, stream: name(stream), status: 'active' })[0];
  const reasonOf = (id: string) => tracker.get(id)?.closeReason;

  async function publish(stream: string): Promise<[ChildProcess, string]> {
    const child = publishLoop(loop, url(stream));
    publishers.push(child);
    const { id } = await until('it publishes', () => {
      const input = session('input', stream);
      return input && input.bytesReceived > 0 && input;
    });
    return [child, id];
  }

  /** How the session was closed, and that it was in time. */
  async function closed(id: string): Promise<string | undefined> {
    const since = Date.now();
    await until('it is closed', () => reasonOf(id) !== undefined, { timeoutMs: 2 * (SILENCE_TIMEOUT_MS + SOON_MS) });
    expect(Date.now() - since).toBeLessThan(SILENCE_TIMEOUT_MS + SOON_MS);
    return reasonOf(id);
  }

  async function frozenPublisher(): Promise<string | undefined> {
    const [child, id] = await publish('frozen');
    child.kill('SIGSTOP');
    return closed(id);
  }

  async function frozenPublisherWithSuccessor(): Promise<string | undefined> {
    const [child, id] = await publish('taken-over');
    child.kill('SIGSTOP');
    const isOver = async (): Promise<boolean> => {
      publishers.push(publishLoop(loop, url('taken-over')));
      // For two seconds the silent one is still defended: an encoder that is refused comes again.
      await pace(700);
      return reasonOf(id) !== undefined;
    };
    await until('another publishes', isOver, { timeoutMs: 2 * SILENCE_TIMEOUT_MS });
    await until('it is on air', () => (session('input', 'taken-over')?.bytesReceived ?? 0) > 0, { timeoutMs: 15_000 });
    return reasonOf(id);
  }

  async function frozenPlayer(): Promise<string | undefined> {
    await publish('watched');
    const player = playWithFfmpeg(url('watched'), { live: true });
    const { id } = await until('it plays', () => session('viewer', 'watched'));
    const said = (): number => tracker.get(id)?.bytesReceived ?? 0;
    await until('it has said that it plays', () => said() > 0);
    const before = said();
    // It is asked after a second without a word of it.
    await until('it has answered', () => {
      expect(session('viewer', 'watched')).toBeDefined();
      return said() >= before + PONG_BYTES;
    });
    player.kill('SIGSTOP');
    return closed(id);
  }

  it('closes frozen clients', async () => {
    const reasons = await Promise.all([frozenPublisher(), frozenPublisherWithSuccessor(), frozenPlayer()]);
    expect(reasons).toEqual(['client_gone', 'replaced', 'client_gone']);
  }, 60_000);
});
