import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from './support/packages.js';

/** A process in which nothing but the cluster goes on. */
const PLAIN = `
  const { createTracker } = require('@stream-sessions/core');
  const { joinCluster, workerLink } = require('@stream-sessions/cluster');
  const start = async (name) => {
    const link = workerLink({ path: process.argv[1] });
    const cluster = await joinCluster(createTracker({ fingerprintKey: 'of the test', autoStart: false }), { via: link, name });
    return { link, cluster };
  };
  (async () => {
    const [a, b] = [await start('a'), await start('b')];
    await b.cluster.list();
    console.log('joined');
    await b.cluster.leave();
    await a.cluster.leave();
    console.log('left');
  })();
`;

const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-hub-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('a process in which nothing else goes on joins other workers, asks them, leaves, and ends by itself', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', PLAIN, folder], { cwd: root, timeout: 30_000 });
  expect(stdout).toBe('joined\nleft\n');
});
