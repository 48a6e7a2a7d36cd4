import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from './support/packages.js';

/** Plays when it is told to, leaves when it is told to, and says which visits it has reported as closed. */
const WORKER = `
  const { createTracker } = require(process.argv[3] + '/packages/core');
  const { joinCluster, workerLink } = require(process.argv[3] + '/packages/cluster');
  const closed = [];
  (async () => {
    const tracker = createTracker({ fingerprintKey: 'of the test' });
    const cluster = await joinCluster(tracker, { via: workerLink({ path: process.argv[2] }) });
    cluster.on('closed', ({ session: { id, bytes, closeReason } }) => closed.push([id, bytes, closeReason]));
    process.on('message', async (viewers) => {
      if (viewers === 0) {
        await cluster.leave();
        return process.send(closed, () => process.exit());
      }
      for (let n = 0; n < viewers; n++) {
        const hit = { stream: 'cam1', protocol: 'hls', ip: '203.0.113.' + n, userAgent: 'player/1.0', bytes: 100 };
        tracker.trackHttp(hit);
      }
      while ((await cluster.list()).length < viewers) await new Promise((resolve) => setTimeout(resolve, 20));
      process.send('played');
    });
    process.send('joined');
  })();
`;
const WORKERS = 4;
const VIEWERS = 30;

const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-hub-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('workers that end one right after the other report each visit once, with what all of them have sent', async () => {
  const file = path.join(folder, 'worker.cjs');
  writeFileSync(file, WORKER);
  const workers: ChildProcess[] = [];
  const heard: unknown[] = [];
  try {
    for (let n = 0; n < WORKERS; n++) {
      const worker = fork(file, [path.join(folder, 'hub'), root], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      worker.stderr?.on('data', (text) => heard.push(String(text)));
      workers.push(worker);
      await once(worker, 'message');
      worker.send(VIEWERS);
      await once(worker, 'message');
    }
    const closed: [id: string, bytes: number, reason: string][] = [];
    // the first one has the hub, and takes it with it
    for (const worker of workers) {
      worker.on('message', (all) => void closed.push(...(all as typeof closed)));
      worker.send(0);
      await once(worker, 'exit');
    }
    expect(new Set(closed.map(([id]) => id)).size).toBe(VIEWERS);
    expect(closed.map(([, ...rest]) => rest)).toEqual(Array(VIEWERS).fill([WORKERS * 100, 'shutdown']));
    expect(heard).toEqual([]);
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
  }
});
