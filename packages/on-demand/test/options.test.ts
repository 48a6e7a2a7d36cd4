import { createTracker } from '@stream-sessions/core';
import { createSources, customDriver, httpDriver, kubernetesDriver, processDriver } from '../src/index.js';

const tracker = createTracker();
afterAll(() => tracker.stop());
const driver = customDriver({ start: () => undefined, stop: () => undefined });

const makers: Record<string, (options: object) => unknown> = {
  createSources: (options) => createSources(tracker, { sources: [{ pattern: 'cam1', driver }], ...options }),
  httpDriver: (options) => httpDriver({ start: 'http://encoder/', stop: 'http://encoder/', ...options }),
  kubernetesDriver: (options) => kubernetesDriver({ name: 'camera', server: 'http://cluster/', ...options }),
  processDriver: (options) => processDriver({ command: ['ffmpeg'], ...options }),
  customDriver: (options) => customDriver({ start: () => undefined, stop: () => undefined, ...options }),
};

const texts: readonly unknown[] = [5, '', null, [], {}];
const timers: readonly unknown[] = ['5', -1, 0.5, NaN, Infinity, null, [], true];
const bad: readonly [maker: string, option: string, values: readonly unknown[]][] = [
  ['createSources', 'logger', [5, null, {}, { warn: () => undefined }, () => undefined]],
  ['createSources', 'clock', [5, null, {}, { now: () => 0 }]],
  ['createSources', 'session.enableAutoHibernation', [true, 1]],
  ['createSources', 'session.defaultIdleTimeout', [1_800_000, {}]],
  ['httpDriver', 'headers', [5, 'a: b', null, [], { 'x-n': 5 }, { 'x y': 'z' }, { 'x-y': 'a\r\nb: c' }]],
  ['httpDriver', 'ca', texts],
  ['httpDriver', 'timeoutMs', [...timers, 0]],
  ['kubernetesDriver', 'timeoutMs', [...timers, 0]],
  ['kubernetesDriver', 'token', texts],
  ['kubernetesDriver', 'ca', texts],
  ['kubernetesDriver', 'namespace', texts],
  ['processDriver', 'cwd', texts],
  ['processDriver', 'pidFolder', texts],
  ['processDriver', 'env', [5, 'A=b', null, [], { A: 5 }]],
  ['processDriver', 'stopTimeoutMs', timers],
  ['customDriver', 'name', texts],
  ['customDriver', 'placeholders', [5, 'id', null]],
];

it.each(bad)('%s() refuses a bad %s', (maker, option, values) => {
  for (const value of values) {
    const make = (): unknown => makers[maker]?.({ [option]: value });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    expect(make).toThrow(option);
  }
});

it('a header with a secret that is refused is not shown', () => {
  expect(() => makers['httpDriver']?.({ headers: { authorization: 'Bearer hunter2\n' } })).toThrow(/^(?!.*hunter2)/s);
});
