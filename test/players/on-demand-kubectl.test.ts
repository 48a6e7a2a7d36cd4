import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { createSources, kubernetesDriver, type Sources } from '@stream-sessions/on-demand';
import { KubernetesApi } from '../../packages/on-demand/test/support/kubernetes-api.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';

const run = promisify(execFile);
const home = mkdtempSync(path.join(tmpdir(), 'kubectl-'));
const api = new KubernetesApi();
let tracker: SessionTracker;
let sources: Sources;

beforeAll(async () => {
  api.add('deployments/camera-1');
  const server = await api.listen();
  tracker = createTracker();
  sources = createSources(tracker, {
    sources: [{ pattern: 'cam-{n}', driver: kubernetesDriver({ name: 'camera-{n}', server }) }],
    ...{ hibernateAfterMs: 500, checkIntervalMs: 50, pollIntervalMs: 50 },
    logger: { warn: () => undefined, error: () => undefined },
  });
});
afterAll(async () => {
  await sources.close();
  await tracker.stop();
  api.close();
  rmSync(home, { recursive: true, force: true });
});

/** What kubectl of Debian says, with nothing of this user's set-up. */
async function kubectl(...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: '/dev/null' };
  const { stdout } = await run(program('kubectl'), [`--server=${api.url}`, `--cache-dir=${home}`, ...args], { env });
  return stdout.trim();
}
const replicas = (): Promise<string> => kubectl('get', 'deployment', 'camera-1', '-o', 'jsonpath={.spec.replicas}');

it('kubectl sees what is scaled, and what kubectl scales down is started again while somebody watches', async () => {
  expect(await replicas()).toBe('0');
  const { closer } = tracker.openConn({ stream: 'cam-1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  await until('it runs', () => sources.state('cam-1') === 'running');
  expect(await replicas()).toBe('1');

  const starts = (): number => api.calls.filter((call) => call.startsWith('PATCH')).length;
  const before = starts();
  expect(await kubectl('scale', 'deployment/camera-1', '--replicas=0')).toMatch(/scaled/);
  await until('it is scaled up again', () => starts() > before && api.replicasOf('deployments/camera-1') === 1);
  closer.close();
  await until('it sleeps', () => sources.state('cam-1') === 'hibernated');
  expect(await replicas()).toBe('0');
});

it('a source started by kubectl is managed although nobody watches it', async () => {
  await kubectl('scale', 'deployment/camera-1', '--replicas=2');
  const other = createSources(tracker, {
    sources: [{ pattern: 'cam-{n}', driver: kubernetesDriver({ name: 'camera-{n}', server: api.url }) }],
    ...{ hibernateAfterMs: 500, checkIntervalMs: 50 },
  });
  await until('it is found', () => other.state('cam-1') === 'running');
  await until('it sleeps', () => other.state('cam-1') === 'hibernated');
  expect(await replicas()).toBe('0');
  await other.close();
});
