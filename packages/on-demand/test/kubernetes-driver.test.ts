import { selfSigned } from '../../../test/support/certificate.js';
import { createTracker } from '@stream-sessions/core';
import { until } from '@stream-sessions/core/testing';
import { createSources, kubernetesDriver, type KubernetesDriverOptions, type SourceRun } from '../src/index.js';
import { driverContract } from '../src/testing/index.js';
import { KubernetesApi } from './support/kubernetes-api.js';

let api: KubernetesApi;
beforeEach(() => {
  api = new KubernetesApi();
});
afterEach(() => api.close());

const run: SourceRun = { signal: new AbortController().signal, ended: () => undefined };
const camera = (n: number) => ({ stream: `cam-${n}`, values: { stream: `cam-${n}`, n: String(n) } });

driverContract({
  name: 'kubernetesDriver',
  async start() {
    const own = new KubernetesApi();
    own.add('deployments/camera-1');
    own.add('deployments/camera-2');
    const server = await own.listen();
    const keyOf = (stream: string) => `deployments/${stream.replace('cam', 'camera')}`;
    return {
      driver: kubernetesDriver({ name: 'camera-{n}', server, timeoutMs: 1_000 }),
      isRunning: (stream) => own.replicasOf(keyOf(stream)) > 0,
      crash: (stream) => own.scale(keyOf(stream), 0),
      breakDown: () => own.close(),
      stop: () => own.close(),
    };
  },
});

it('the Kubernetes driver scales a StatefulSet, with its token and the certificates it was given', async () => {
  api.add('statefulsets/camera-1');
  api.token = 'a service account';
  const { cert, key } = selfSigned();
  const server = await api.listen({ cert, key });
  const token = () => 'a service account';
  const options: KubernetesDriverOptions = { kind: 'statefulset', name: 'camera-{n}', replicas: 2, server, token };
  await kubernetesDriver({ ...options, ca: cert }).start(camera(1), run);
  expect(api.replicasOf('statefulsets/camera-1')).toBe(2);
  await expect(kubernetesDriver(options).start(camera(1), run)).rejects.toThrow(/self.signed/);
  const stranger = kubernetesDriver({ ...options, ca: cert, token: 'another' });
  await expect(stranger.stop(camera(1))).rejects.toThrow('was answered 401');
});

it('the Kubernetes driver retries if the object was changed in between, and gives up after a few times', async () => {
  api.add('deployments/camera-1');
  const driver = kubernetesDriver({ name: 'camera-{n}', server: await api.listen() });
  let conflicts = 2;
  api.beforePatch = () => conflicts-- > 0 && api.scale('deployments/camera-1', 0);
  await driver.start(camera(1), run);
  expect(api.replicasOf('deployments/camera-1')).toBe(1);
  expect(api.calls.filter((call) => call.startsWith('PATCH'))).toHaveLength(3);
  conflicts = Infinity;
  api.beforePatch = () => api.scale('deployments/camera-1', 1);
  await expect(driver.stop(camera(1))).rejects.toThrow('was answered 409');
});

it('the Kubernetes driver changes nothing that is already as it should be', async () => {
  api.add('deployments/camera-1', 3);
  const driver = kubernetesDriver({ name: 'camera-{n}', server: await api.listen() });
  await driver.start(camera(1), run);
  expect([api.replicasOf('deployments/camera-1'), api.calls.length]).toEqual([3, 1]);
});

it('the Kubernetes driver waits for the replicas until it is told not to', async () => {
  api.add('deployments/camera-1');
  api.isStuck = true;
  const driver = kubernetesDriver({ name: 'camera-{n}', server: await api.listen() });
  const controller = new AbortController();
  const started = Promise.resolve(driver.start(camera(1), { ...run, signal: controller.signal }));
  await until('it is scaled', () => api.replicasOf('deployments/camera-1') === 1);
  controller.abort(new Error('it took too long'));
  await expect(started).rejects.toThrow();
});

it('the Kubernetes driver finds running sources after a restart, stops them, and restarts those stopped by others', async () => {
  for (const [name, replicas] of [
    ['camera-1', 1],
    ['camera-2', 0],
    ['unrelated', 1],
  ] as const) {
    api.add(`deployments/${name}`, replicas);
  }
  const tracker = createTracker();
  const driver = kubernetesDriver({ name: 'camera-{n}', server: await api.listen() });
  const logger = { warn: () => undefined, error: () => undefined };
  const sources = createSources(tracker, {
    sources: [{ pattern: 'cam-{n}', driver }],
    ...{ hibernateAfterMs: 300, checkIntervalMs: 20, pollIntervalMs: 20, logger },
  });
  await until('it is found', () => sources.state('cam-1') === 'running');
  expect(sources.list().map(({ stream }) => stream)).toEqual(['cam-1']);
  await until('it sleeps', () => api.replicasOf('deployments/camera-1') === 0);
  expect(api.replicasOf('deployments/unrelated')).toBe(1);

  tracker.openConn({ stream: 'cam-2', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  await until('it runs', () => sources.state('cam-2') === 'running');
  api.scale('deployments/camera-2', 0);
  await until('it is missed', () => sources.state('cam-2') === 'failed');
  await until('it runs again', () => api.replicasOf('deployments/camera-2') === 1);
  await sources.close();
  expect(api.replicasOf('deployments/camera-2')).toBe(1); // what runs elsewhere stays
  await tracker.stop();
});

it('the Kubernetes driver must know where the cluster is', () => {
  expect(() => kubernetesDriver({ name: 'camera-{n}' })).toThrow('server');
  expect(() => kubernetesDriver({ name: 'Camera', server: 'http://127.0.0.1' })).toThrow('name');
  expect(() => kubernetesDriver({ name: 'camera', server: 'http://127.0.0.1', replicas: 0 })).toThrow('replicas');
});
