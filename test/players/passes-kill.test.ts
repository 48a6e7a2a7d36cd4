import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pace } from '@stream-sessions/core/testing';
import { openPassFile, passBook, PASS_TYPES } from '@stream-sessions/passes';

const VIEWERS = 50;
const SAVE_EVERY_MS = 1_000;
/** What the disk takes, and how much later than it happened something may be seen here, on a busy machine. */
const SLACK_SECS = 1;
const SEGMENT = 10_000;

let folder: string;
let server: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
});
afterEach(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<string> {
  server = fork(path.join(__dirname, 'support/passes-server.mjs'), [folder, String(SAVE_EVERY_MS)], { execArgv: [] });
  const [port] = (await once(server, 'message')) as [number];
  return `http://127.0.0.1:${port}/live/cam1/seg.ts`;
}

/** What a viewer knows of itself. */
interface Watched {
  seconds: number;
  segments: number;
  /** Its first segment and its last one, milliseconds. */
  since: number;
  until: number;
}

/** A viewer that fetches a segment five times a second until its server is gone: the seconds it watched, and its segments. */
async function watch(url: string, token: string): Promise<Watched> {
  let since: number | undefined;
  let [seconds, segments, until] = [0, 0, 0];
  for (;;) {
    try {
      const response = await fetch(`${url}?token=${token}`);
      if (!response.ok) throw new Error(await response.text());
      await response.arrayBuffer();
    } catch {
      return { seconds, segments, since: since ?? Infinity, until };
    }
    segments++;
    since ??= performance.now();
    until = performance.now();
    seconds = (until - since) / 1000;
    await pace(200);
  }
}

it('kill -9 under fifty viewers costs nobody, and gives nobody, more than was unsaved', async () => {
  const file = path.join(folder, 'passes.jsonl');
  const store = await openPassFile(file);
  const shop = passBook({ store });
  const owners = Array.from({ length: VIEWERS }, (_, i) => `viewer-${i}`);
  for (const owner of owners) await shop.create(owner, { type: PASS_TYPES.time_or_data, timeSecs: 60, dataMb: 100 });
  await shop.close();

  const watched = owners.map((): Watched => ({ seconds: 0, segments: 0, since: Infinity, until: 0 }));
  for (const afterMs of [3_300, 2_700]) {
    const url = await start();
    const watching = owners.map((owner) => watch(url, owner));
    await pace(afterMs);
    const hasEnded = once(server as ChildProcess, 'exit');
    server?.kill('SIGKILL');
    await hasEnded;
    for (const [i, { seconds, segments, since, until }] of (await Promise.all(watching)).entries()) {
      const sum = watched[i] as Watched;
      sum.seconds += seconds;
      sum.segments += segments;
      sum.since = Math.min(sum.since, since);
      sum.until = until;
    }
  }

  const book = passBook({ store: await openPassFile(file) });
  const unsaved = 2 * (SAVE_EVERY_MS / 1000 + SLACK_SECS);
  for (const [i, owner] of owners.entries()) {
    const [pass] = await book.list(owner);
    const { seconds, segments, since, until } = watched[i] as Watched;
    // The pause between the two processes is shorter than a minute, and so it counts.
    expect(pass?.timeCons).toBeGreaterThan(seconds - unsaved);
    expect(pass?.timeCons).toBeLessThan((until - since) / 1000 + SLACK_SECS);
    expect(pass?.dataCons).toBeGreaterThan(((segments - 6 * unsaved) * SEGMENT) / 1e6);
    expect(pass?.dataCons).toBeLessThanOrEqual(((segments + 2) * SEGMENT) / 1e6);
  }
  await book.close();
});
