import { inspect } from 'node:util';
import { closeStudios, studio, turn } from './support/studio.js';

afterEach(closeStudios);

it('a source pauses 2, 4 … 60 s after failures, however often it is requested, and retries while watched', async () => {
  const { clock, tracker, sources, cameras, pass } = studio();
  const starts: number[] = [];
  cameras.onStart = () => {
    starts.push(clock.now() / 1_000);
    return Promise.reject(new Error('the camera is off'));
  };
  const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  for (let second = 0; second < 200; second++) {
    expect(await sources.wake('cam1')).toBe(false);
    await pass(1_000);
    closer.touch();
  }
  const pauses = starts.slice(1).map((at, i) => at - (starts[i] as number));
  expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60].slice(0, pauses.length));
  expect(pauses.length).toBeGreaterThanOrEqual(6);
  expect(sources.list()).toMatchObject([{ state: 'failed', detail: 'the camera is off', watchers: 1 }]);
});

it('a source fails as usual if the logger throws', async () => {
  const broken = () => {
    throw new Error('the disk is full');
  };
  const { sources, cameras, pass } = studio({ logger: { warn: broken, error: broken } });
  cameras.onStart = () => Promise.reject(new Error('the camera is off'));
  expect(await sources.wake('cam1')).toBe(false);
  expect(sources.state('cam1')).toBe('failed');
  cameras.onStart = () => undefined;
  await pass(2_000);
  expect(await sources.wake('cam1')).toBe(true);
  cameras.onStop = () => Promise.reject(new Error('no route to the camera'));
  await sources.hibernate('cam1');
  expect(sources.state('cam1')).toBe('running');
});

it('what a driver says is shown and logged without the passwords and keys in it', async () => {
  const shown: unknown[] = [];
  const note = (facts: object, text: string) => void shown.push(inspect(facts), text);
  const { tracker, sources, cameras } = studio({ logger: { warn: note, error: note } });
  const said =
    'Error opening rtsp://admin:TOPSECRET@10.0.0.5/s?password=HUNTER2: Connection refused (api_key=HUNTER3), ' +
    'srt://10.0.0.6:9000?passphrase=HUNTER4HUNTER4, http://10.0.0.7/s?key=HUNTER5&auth=HUNTER6, ' +
    'Authorization: Bearer HUNTER7.A-b_c==, authorization: basic HUNTER8';
  const failure = async () => Promise.reject(new Error(said));
  tracker.updateConfig({ policies: [sources.policy] });
  tracker.on('source', (event) => void shown.push(inspect(event)));
  tracker.on('denied', (event) => void shown.push(inspect(event)));
  cameras.onStart = cameras.onStop = failure;
  await sources.wake('cam1');
  await tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  shown.push(inspect(sources.list()));
  await sources.hibernate('cam1');
  expect(shown.join('\n')).not.toMatch(/TOPSECRET|HUNTER/);
  const rest = 'Error opening rtsp://10.0.0.5/s?password=hidden Connection refused';
  expect(shown.filter((text) => String(text).includes(rest)).length).toBeGreaterThanOrEqual(5);
});

it('held requests are answered at once when the source fails, and new ones while it pauses', async () => {
  const { sources, cameras } = studio();
  cameras.onStart = () => Promise.reject(new Error('the camera is off'));
  expect(await sources.ready('cam1')).toBe(false);
  expect(await sources.ready('cam1')).toBe(false);
  expect(cameras.calls).toEqual(['start cam1', 'stop cam1']);
});

it.each([-3_600_000, 3_600_000])(
  'a clock that is set by %d ms changes no pause, and puts nothing to sleep',
  async (ms) => {
    const { clock, sources, cameras, pass } = studio({ hibernateAfterMs: 30_000 });
    const stops = () => cameras.calls.filter((call) => call.startsWith('stop')).length;
    cameras.onStart = () => Promise.reject(new Error('the camera is off'));
    expect(await sources.wake('cam1')).toBe(false);
    cameras.onStart = () => undefined;
    clock.jump(ms);
    await pass(1_000);
    expect(await sources.wake('cam1')).toBe(false);
    await pass(1_000);
    expect(await sources.wake('cam1')).toBe(true);
    clock.jump(ms);
    await pass(29_000);
    expect([sources.state('cam1'), stops()]).toEqual(['running', 1]);
    cameras.onStop = () => Promise.reject(new Error('no route to the camera'));
    await pass(3_000);
    cameras.onStop = () => undefined;
    clock.jump(ms);
    await pass(50_000);
    expect([sources.state('cam1'), stops()]).toEqual(['running', 2]);
    await pass(11_000);
    expect([sources.state('cam1'), stops()]).toEqual(['hibernated', 3]);
  },
);

it('a source that does not run in time has failed, and its driver is asked to stop it', async () => {
  const { sources, cameras, told, pass } = studio({ startTimeoutMs: 5_000 });
  cameras.onStart = () => new Promise(() => undefined);
  const answer = sources.wake('cam1');
  await pass(5_000);
  expect(await answer).toBe(false);
  expect(cameras.calls).toEqual(['start cam1', 'stop cam1']);
  expect(told).toEqual(['cam1 waking', 'cam1 failed']);
  expect(sources.list()[0]?.detail).toBe('it did not run within 5000 ms');
});

it('a start that ends after it was given up leaves nothing that runs unwatched', async () => {
  const { sources, cameras, told, pass } = studio({ startTimeoutMs: 5_000 });
  let finish: (() => void)[] = [];
  cameras.onStart = () => new Promise((resolve) => finish.push(resolve));
  const inTime = sources.wake('cam1');
  const stopped = sources.wake('cam2');
  await pass(1_000);
  await sources.hibernate('cam2');
  await pass(4_000);
  expect([await inTime, await stopped]).toEqual([false, false]);
  await pass(60_000); // by now they are forgotten
  for (const end of finish) end();
  await turn();
  expect([...cameras.running.keys()]).toEqual([]);
  expect(told).toEqual(['cam1 waking', 'cam2 waking', 'cam2 hibernated', 'cam1 failed']);

  finish = [];
  void sources.wake('cam1');
  await pass(5_000);
  const [end] = finish;
  cameras.onStart = () => undefined;
  await pass(2_000);
  expect(await sources.wake('cam1')).toBe(true);
  end?.();
  await turn();
  expect([sources.state('cam1'), [...cameras.running.keys()]]).toEqual(['running', ['cam1']]);
});

it('a source may end with an error', async () => {
  const { tracker, sources, cameras } = studio();
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  await turn();
  cameras.running.get('cam1')?.ended(new Error('no route to rtsp://me:secret@camera') as never);
  expect(sources.list()).toMatchObject([{ state: 'failed', detail: 'no route to rtsp://camera' }]);
});

it('a source that ended by itself starts again two seconds later, and only while somebody watches', async () => {
  const { tracker, sources, cameras, told, pass } = studio();
  const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  await pass(1_000);
  cameras.running.get('cam1')?.ended('ffmpeg ended with code 1: Connection refused');
  expect([sources.state('cam1'), sources.list()[0]?.detail]).toEqual([
    'failed',
    'ffmpeg ended with code 1: Connection refused',
  ]);
  await pass(3_000);
  expect([sources.state('cam1'), told.slice(2)]).toEqual(['running', ['cam1 failed', 'cam1 waking', 'cam1 running']]);
  closer.close();
  cameras.running.get('cam1')?.ended('ffmpeg ended with code 1');
  await pass(60_000);
  expect(sources.state('cam1')).toBe('hibernated');
  expect(cameras.calls.filter((call) => call.startsWith('start'))).toHaveLength(2);
});

it('a source forgets its failures when it has run for a minute', async () => {
  const { tracker, sources, cameras, pass } = studio();
  const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  const crash = async (afterMs: number) => {
    for (let left = afterMs; left > 0; left -= 10_000) {
      closer.touch();
      await pass(Math.min(10_000, left));
    }
    cameras.running.get('cam1')?.ended('it crashed');
    return sources.list()[0]?.failures;
  };
  expect([await crash(5_000), await crash(5_000), await crash(70_000)]).toEqual([1, 2, 1]);
});

it('the end of an earlier run does not affect the current one', async () => {
  const { tracker, sources, cameras } = studio();
  tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7' });
  await turn();
  const first = cameras.running.get('cam1');
  const stopped = sources.hibernate('cam1');
  first?.ended('it was asked to');
  await stopped;
  expect(sources.state('cam1')).toBe('hibernated');
  await sources.wake('cam1');
  first?.ended('again');
  expect(sources.state('cam1')).toBe('running');
});
