import { allowDeny } from '@stream-sessions/policies';
import { expectLinearTime } from '../../../test/support/linear-time.js';
import { closeStudios, studio, turn } from './support/studio.js';

afterEach(closeStudios);

it('no request is held for a stream without a source, nor for one that is running', async () => {
  const { sources, hit } = studio();
  expect([sources.ready('elsewhere'), sources.ready.manages('elsewhere'), sources.state('elsewhere')]).toEqual([
    ...[undefined, false, undefined],
  ]);
  hit();
  await turn();
  expect([sources.ready('cam1'), sources.ready.manages('cam1')]).toEqual([undefined, true]);
});

it('held requests wake a source, and wait until it is ready', async () => {
  const { sources, cameras, pass } = studio();
  let runs = (): void => undefined;
  cameras.onStart = () => new Promise<void>((resolve) => (runs = resolve));
  const answers = [sources.ready('cam1'), sources.ready('cam1')];
  await pass(7_000);
  expect(sources.list()).toMatchObject([{ state: 'starting', held: 2 }]);
  runs();
  expect([await answers[0], await answers[1]]).toEqual([true, true]);
  expect(cameras.calls).toEqual(['start cam1']);
});

it('held requests are released after eight seconds, or when their client has gone', async () => {
  const { sources, cameras, pass } = studio({ startTimeoutMs: 60_000 });
  cameras.onStart = () => new Promise(() => undefined);
  const [stays, goes] = [sources.ready('cam1'), sources.ready('cam1')];
  goes?.cancel();
  expect([await goes, sources.list()[0]?.held]).toEqual([false, 1]);
  await pass(7_900);
  expect(sources.list()[0]?.held).toBe(1);
  await pass(100);
  expect([await stays, sources.list()[0]?.held]).toEqual([false, 0]);
});

it('a thousand requests are held at once, and no more', async () => {
  const { sources, cameras } = studio();
  cameras.onStart = () => new Promise(() => undefined);
  const answers = Array.from({ length: 1_000 }, (_, n) => sources.ready(`cam${n % 3}`));
  expect(await sources.ready('cam9')).toBe(false);
  answers[0]?.cancel();
  const next = sources.ready('cam9');
  expect([sources.list().reduce((sum, { held }) => sum + held, 0), sources.state('cam9')]).toEqual([1_000, 'starting']);
  await sources.close();
  expect([await next, await answers[1]]).toEqual([false, false]);
});

it('at most four sources start at a time, and then the next', async () => {
  const { sources, cameras } = studio();
  const runs = new Map<string, () => void>();
  cameras.onStart = (stream) => new Promise<void>((resolve) => void runs.set(stream, resolve));
  for (let n = 0; n < 6; n++) void sources.ready(`cam${n}`);
  await turn();
  expect([...runs.keys()]).toEqual(['cam0', 'cam1', 'cam2', 'cam3']);
  runs.get('cam2')?.();
  await turn();
  expect([...runs.keys()].slice(4)).toEqual(['cam4']);
});

it('unwatched sources are stopped to make room, and no others', async () => {
  const { sources, tracker, cameras, pass } = studio({ maxRunning: 2 });
  const watch = (stream: string) => tracker.openConn({ stream, protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer;
  const [one] = [watch('cam1'), watch('cam2')];
  await turn();
  const third = sources.ready('cam3');
  await pass(1_000);
  expect(cameras.calls).toEqual(['start cam1', 'start cam2']);
  one.close();
  await pass(1_000);
  expect(cameras.calls).toEqual(['start cam1', 'start cam2', 'stop cam1', 'start cam3']);
  expect(await third).toBe(true);
});

it('sources for which nobody waits any more are not started, and hold up nobody', async () => {
  const { sources, cameras, pass } = studio();
  cameras.onStart = (stream) => (stream === 'cam-real' ? undefined : new Promise(() => undefined));
  for (let n = 0; n < 1_000; n++) sources.ready(`cam${n}`)?.cancel();
  await pass(3_000);
  expect([sources.list().length, cameras.calls.length]).toEqual([4, 4]);
  const real = sources.ready('cam-real');
  await pass(8_000);
  expect(await real).toBe(true);
  expect(cameras.calls.filter((call) => call.startsWith('start'))).toHaveLength(5);
});

it('a source for which a caller waits is started however long that takes, unless it is put to sleep', async () => {
  const { tracker, sources, pass } = studio({ maxRunning: 1 });
  const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  const [second, third] = [sources.wake('cam2'), sources.wake('cam3')];
  for (let second = 0; second < 30; second++) {
    closer.touch();
    await pass(1_000);
  }
  await sources.hibernate('cam2');
  expect(await second).toBe(false);
  closer.close();
  await pass(1_000);
  expect(await third).toBe(true);
});

it('ten thousand sources are known at most, an error of its own says so, and it is over in two seconds', async () => {
  const { sources, pass } = studio({ maxRunning: 1 });
  for (let n = 0; n < 10_000; n++) sources.ready(`cam${n}`)?.cancel();
  await expect(sources.wake('cam-real')).rejects.toMatchObject({ code: 'ERR_TOO_MANY_SOURCES' });
  await expect(sources.wake('elsewhere')).rejects.toMatchObject({ code: 'ERR_NO_SOURCE' });
  expect(sources.policy.admit?.({ stream: 'cam-real' } as never, undefined as never)).toMatchObject({ allow: false });
  await pass(2_000);
  expect(await sources.wake('cam-real')).toBe(true);
});

it('a source makes room as soon as its last viewer has left', async () => {
  const { tracker, sources, cameras } = studio({ maxRunning: 1 });
  tracker.updateConfig({ policies: [sources.policy] });
  const watch = (stream: string) => tracker.openConn({ stream, protocol: 'rtmp', remoteAddress: '203.0.113.7' }).closer;
  const [first, second] = [watch('cam1'), watch('cam1')];
  await turn();
  first.close();
  const ask = () => tracker.admit({ stream: 'cam2', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  expect(await ask()).toMatchObject({ admitted: false });
  second.close();
  expect(await ask()).toMatchObject({ admitted: true });
  await turn();
  expect(cameras.calls).toEqual(['start cam1', 'stop cam1', 'start cam2']);
});

it('the viewers of all streams are counted once for each check, and not for those who wait or ask', async () => {
  const { tracker, sources, pass } = studio({ maxRunning: 1 });
  const watch = (stream: string) => tracker.openConn({ stream, protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  for (let n = 0; n < 50; n++) watch(`cam${n}`);
  await turn();
  const stats = jest.spyOn(tracker, 'stats');
  for (let n = 0; n < 50; n++) sources.ready(`cam${n}`)?.cancel();
  await sources.policy.admit?.({ stream: 'cam40', kind: 'viewer' } as never, undefined as never);
  expect(stats).not.toHaveBeenCalled();
  await pass(1_000);
  expect(stats).toHaveBeenCalledTimes(1);
});

it('refused strangers wake no source', async () => {
  const { tracker, cameras, pass } = studio();
  tracker.updateConfig({ policies: [allowDeny({ deny: [{ ip: '203.0.113.0/24' }] })] });
  const answer = await tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  expect(answer.admitted).toBe(false);
  await pass(2_000);
  expect(cameras.calls).toEqual([]);
});

it('the policy refuses requests at once if they would wait in vain', async () => {
  const { tracker, sources, cameras, pass } = studio({ maxRunning: 1 });
  tracker.updateConfig({ policies: [sources.policy] });
  const ask = (stream: string) => tracker.admit({ stream, protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  expect(await ask('cam1')).toMatchObject({ admitted: true });
  await turn();
  expect(await ask('cam2')).toMatchObject({ admitted: false, denial: { kind: 'overload', reason: 'overload' } });
  expect(await ask('elsewhere')).toMatchObject({ admitted: true });
  cameras.onStart = () => Promise.reject(new Error('the camera is off'));
  cameras.running.get('cam1')?.ended('it crashed');
  const { denial } = (await ask('cam1')) as { denial: { detail?: string } };
  expect(denial.detail).toBe('its source has failed: it crashed');
  await pass(3_000);
  expect(sources.state('cam1')).toBe('failed');
});

it('many may wait for one source to wake, each in the same time', () => {
  const { sources, cameras } = studio({ maxRunning: 100, maxStarting: 100 });
  cameras.onStart = () => new Promise(() => undefined);
  let n = 0;
  const wakeOften = (text: string): void => {
    const stream = `cam${n++}`;
    for (let i = 0; i < text.length; i++) void sources.wake(stream);
  };
  expectLinearTime(wakeOften, (length) => ' '.repeat(length), 16_384);
});
