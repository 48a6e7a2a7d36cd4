import { closeStudios, studio, turn } from './support/studio.js';

const MINUTE = 60_000;
afterEach(closeStudios);

it('a source starts with its first viewer, and not again with further viewers', async () => {
  const { hit, cameras, sources, told } = studio();
  expect(sources.state('cam1')).toBe('hibernated');
  hit();
  hit({ ip: '203.0.113.8' });
  await turn();
  hit({ ip: '203.0.113.9' });
  expect([cameras.calls, told, sources.state('cam1')]).toEqual([
    ['start cam1'],
    ['cam1 waking', 'cam1 running'],
    'running',
  ]);
});

it('a source wakes for an output, but neither for a publisher nor for an unspecified session', async () => {
  const { tracker, cameras, pass } = studio();
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', kind: 'input', remoteAddress: '203.0.113.7' });
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', kind: 'unspecified', remoteAddress: '203.0.113.7' });
  await pass(5_000);
  expect(cameras.calls).toEqual([]);
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', kind: 'output', remoteAddress: '203.0.113.7' });
  await turn();
  expect(cameras.calls).toEqual(['start cam1']);
});

it('a source sleeps on the first check from half an hour after the last viewer, and not a second earlier', async () => {
  const { tracker, sources, cameras, pass } = studio();
  const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  await pass(10_400);
  closer.close();
  await pass(30 * MINUTE - 1_000);
  expect(sources.state('cam1')).toBe('running');
  await pass(1_000);
  expect([sources.state('cam1'), cameras.calls]).toEqual(['running', ['start cam1']]);
  await pass(600); // the check
  expect([sources.state('cam1'), cameras.calls]).toEqual(['hibernated', ['start cam1', 'stop cam1']]);
});

it('a source sleeps that long after a silent viewer was closed as idle', async () => {
  const { clock, tracker, hit, sources, pass } = studio();
  hit();
  let closedAt = 0;
  tracker.on('closed', ({ occurredAt }) => void (closedAt = occurredAt));
  await pass(32_000);
  expect(closedAt).toBeGreaterThan(0);
  await pass(closedAt + 30 * MINUTE - 1_000 - clock.now());
  expect(sources.state('cam1')).toBe('running');
  await pass(2_000);
  expect(sources.state('cam1')).toBe('hibernated');
});

it('a source stays awake for a viewer that returns after twenty minutes', async () => {
  const { tracker, sources, cameras, pass } = studio();
  const watch = () => tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer;
  watch().close();
  await pass(20 * MINUTE);
  watch().close();
  await pass(29 * MINUTE);
  expect([sources.state('cam1'), cameras.calls]).toEqual(['running', ['start cam1']]);
  await pass(MINUTE + 1_000);
  expect(sources.state('cam1')).toBe('hibernated');
});

it('a source stays awake for requests of viewers that the tracker does not list', async () => {
  const { sources, tracker, hit, pass } = studio({ hibernateAfterMs: 10_000 });
  hit();
  await turn();
  tracker.updateConfig({ enabled: false });
  for (let i = 0; i < 5; i++) {
    await pass(5_000);
    expect(sources.ready('cam1')).toBeUndefined();
  }
  expect(sources.state('cam1')).toBe('running');
  await pass(12_000);
  expect(sources.state('cam1')).toBe('hibernated');
});

it('a source starts again for a viewer that comes while it is being stopped', async () => {
  const { tracker, sources, cameras, told, pass } = studio({ hibernateAfterMs: 10_000 });
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer.close();
  await turn();
  let stopped = (): void => undefined;
  cameras.onStop = () => new Promise<void>((resolve) => (stopped = resolve));
  await pass(11_000);
  expect(sources.state('cam1')).toBe('stopping');
  const held = sources.ready('cam1');
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.8' });
  expect(cameras.calls).toEqual(['start cam1', 'stop cam1']);
  stopped();
  expect(await held).toBe(true);
  expect(cameras.calls).toEqual(['start cam1', 'stop cam1', 'start cam1']);
  expect(told).toEqual(['cam1 waking', 'cam1 running', 'cam1 hibernated', 'cam1 waking', 'cam1 running']);
});

it('a source that cannot be stopped keeps running, and is stopped again a minute later', async () => {
  const { tracker, sources, cameras, pass } = studio({ hibernateAfterMs: 10_000 });
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer.close();
  await turn();
  cameras.onStop = () => Promise.reject(new Error('no route to the camera'));
  await pass(12_000);
  expect([sources.state('cam1'), cameras.calls.length]).toEqual(['running', 2]);
  cameras.onStop = () => undefined;
  await pass(50_000);
  expect(sources.state('cam1')).toBe('running');
  await pass(15_000);
  expect(sources.state('cam1')).toBe('hibernated');
});

it('a source whose driver never says that it has stopped counts as running after five minutes, and is stopped again', async () => {
  const { tracker, sources, cameras, pass } = studio({ hibernateAfterMs: 10_000 });
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer.close();
  await turn();
  cameras.onStop = () => new Promise<void>(() => undefined);
  await pass(12_000);
  expect(sources.state('cam1')).toBe('stopping');
  await pass(5 * MINUTE);
  expect([sources.state('cam1'), cameras.calls]).toEqual(['running', ['start cam1', 'stop cam1']]);
  cameras.onStop = () => undefined;
  await pass(MINUTE + 1_000);
  expect([sources.state('cam1'), cameras.calls.length]).toEqual(['hibernated', 3]);
});

it('a source that has failed starts again although its driver never says that the rest has stopped', async () => {
  const { tracker, sources, cameras, pass } = studio();
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7', keepMs: 86_400_000 });
  await turn();
  cameras.onStop = () => new Promise<void>(() => undefined);
  cameras.running.get('cam1')?.ended('the power is off');
  await pass(MINUTE);
  expect(sources.state('cam1')).toBe('failed');
  await pass(5 * MINUTE);
  expect([sources.state('cam1'), cameras.calls]).toEqual(['running', ['start cam1', 'stop cam1', 'start cam1']]);
});

it.each([
  [{ session: { enableAutoHibernation: 'true', defaultIdleTimeout: '1h30m' } }, 90],
  [{ session: { enableAutoHibernation: 'true', defaultIdleTimeout: 'half an hour' } }, 30],
  [{ session: { enableAutoHibernation: 'true' } }, 30],
  [{ 'session.enableAutoHibernation': 'true', 'session.defaultIdleTimeout': '1h30m' }, 90],
  [{ 'session.enableAutoHibernation': 'true', 'session.defaultIdleTimeout': '' }, 30],
  [{ 'session.defaultIdleTimeout': '20m', session: { enableAutoHibernation: 'true', defaultIdleTimeout: '1h' } }, 20],
])('the settings of other trackers are accepted: %j is %d minutes', async (settings, minutes) => {
  const { tracker, sources, pass } = studio({ ...settings, checkIntervalMs: 60_000 });
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer.close();
  await pass((minutes - 1) * MINUTE);
  expect(sources.state('cam1')).toBe('running');
  await pass(2 * MINUTE);
  expect(sources.state('cam1')).toBe('hibernated');
});

it.each([
  ...['TRUE', '1', 'false', undefined].map((enableAutoHibernation) => ({
    session: { ...(enableAutoHibernation !== undefined && { enableAutoHibernation }), defaultIdleTimeout: '1m' },
  })),
  { 'session.enableAutoHibernation': 'True', 'session.defaultIdleTimeout': '1m' },
  { 'session.defaultIdleTimeout': '1m' },
])('no source is put to sleep with %j', async (settings) => {
  const { tracker, sources, pass } = studio({ ...settings, checkIntervalMs: 60_000 });
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer.close();
  await pass(60 * MINUTE);
  expect(sources.state('cam1')).toBe('running');
});
