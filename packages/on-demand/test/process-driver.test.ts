import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '@stream-sessions/core/testing';
import { processDriver, type ProcessDriverOptions, type SourceRun } from '../src/index.js';
import { driverContract } from '../src/testing/index.js';

const folder = mkdtempSync(path.join(tmpdir(), 'process-driver-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes its pid into a file of its stream, and goes on until it is told to end. */
const CAMERA = `
  if (process.argv[2] === 'stubborn') process.on('SIGTERM', () => {});
  require('fs').writeFileSync(process.argv[1], String(process.pid));
  setInterval(() => {}, 1000);
`;
const fileOf = (stream: string): string => path.join(folder, `${stream}.txt`);
const command = [process.execPath, '-e', CAMERA, path.join(folder, '{stream}.txt')];
const pidOf = (stream: string): number =>
  existsSync(fileOf(stream)) ? Number(readFileSync(fileOf(stream), 'utf8')) : 0;

function isAlive(pid: number): boolean {
  try {
    // one that has ended and was not waited for is there still
    return pid > 0 && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const aRun = () => {
  const ends: string[] = [];
  const run: SourceRun = { signal: new AbortController().signal, ended: (why) => void ends.push(why) };
  return { run, ends };
};
const camera = (n: number) => ({ stream: `cam-${n}`, values: { stream: `cam-${n}`, n: String(n) } });

describe.each(['kernel', 'pid-file'] as const)('orphans: %s', (orphans) => {
  driverContract({
    name: `processDriver with orphans: '${orphans}'`,
    start: () => {
      for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true, force: true });
      return {
        driver: processDriver({ command, orphans, pidFolder: path.join(folder, 'pids') }),
        isRunning: (stream) => isAlive(pidOf(stream)),
        crash: (stream) => process.kill(pidOf(stream), 'SIGKILL'),
      };
    },
    skip: [
      {
        case: 'rejects, or says that it does not know, while it reaches nothing',
        reason: 'processes are always within reach',
      },
    ],
  });
});

it('the process driver kills a process that ignores SIGTERM', async () => {
  const driver = processDriver({ command: [...command, 'stubborn'], stopTimeoutMs: 200 });
  const { run, ends } = aRun();
  await driver.start(camera(5), run);
  await until('it listens to signals', () => pidOf('cam-5') > 0);
  await driver.stop(camera(5));
  expect(isAlive(pidOf('cam-5'))).toBe(false);
  await until('it was reported', () => ends.length === 1);
  expect(ends).toEqual([`${process.execPath} ended with SIGKILL`]);
});

it('the process driver reports the last words of a process, and a program that does not exist', async () => {
  const fails = processDriver({
    command: [process.execPath, '-e', "console.error('camera {n} is off'); process.exit(3)"],
  });
  const { run, ends } = aRun();
  await fails.start(camera(6), run);
  await until('it was reported', () => ends.length === 1);
  expect(ends).toEqual([`${process.execPath} ended with code 3: camera 6 is off`]);

  const missing = aRun();
  const nothing = processDriver({ command: ['no-such-encoder'], orphans: 'pid-file' });
  await expect(nothing.start(camera(7), missing.run)).rejects.toThrow('ENOENT');
});

it('the process driver says that a working directory is missing', async () => {
  const lost = processDriver({ command, cwd: path.join(folder, 'of {n}') });
  const why = `its working directory ${path.join(folder, 'of 7')} does not exist`;
  await expect(lost.start(camera(7), aRun().run)).rejects.toThrow(why);
});

it('the process driver survives a folder in which it can keep no pid files', async () => {
  const pidFolder = path.join(folder, 'no folder');
  writeFileSync(pidFolder, '');
  // for one that has ended already, there is nothing to keep
  const driver = processDriver({ command: ['sleep', '60'], orphans: 'pid-file', pidFolder });
  const { run, ends } = aRun();
  await expect(driver.start(camera(8), run)).rejects.toThrow('EEXIST');
  await until('its end was reported', () => ends.length === 1);
});

it.each([
  ['in its group, which is killed', false],
  ['in a group of its own, which is not waited for', true],
])('the process driver notices the end of a program whose child holds its stderr %s', async (_, detached) => {
  const WRAPPER = `
    const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: ${detached},
    });
    require('fs').writeFileSync(process.argv[1], String(child.pid));
    console.error('the wrapper gives up');
    process.exit(3);
  `;
  const driver = processDriver({ command: [process.execPath, '-e', WRAPPER, path.join(folder, '{stream}.txt')] });
  const { run, ends } = aRun();
  await driver.start(camera(9), run);
  await until('it was reported', () => ends.length === 1);
  expect([ends[0], driver.state?.(camera(9))]).toEqual([
    ...[`${process.execPath} ended with code 3: the wrapper gives up`, 'stopped'],
  ]);
  if (detached) process.kill(pidOf('cam-9'), 'SIGKILL');
  await until('its child has ended', () => !isAlive(pidOf('cam-9')));
});

it('the process driver takes no option from a stream name, and uses no shell', async () => {
  const driver = processDriver({ command: [process.execPath, '-e', CAMERA, '{n}'] });
  const { run } = aRun();
  const dashed = { stream: 'cam--y', values: { stream: 'cam--y', n: '-y' } };
  await expect(driver.start(dashed, run)).rejects.toThrow('would be an option of the program');
  const file = path.join(folder, '$(touch owned)');
  const quoted = processDriver({ command: [process.execPath, '-e', CAMERA, file] });
  await quoted.start(camera(8), run);
  await until('it has its argument as it is', () => existsSync(file));
  await quoted.close?.();
});

const bad: [string, ProcessDriverOptions][] = [
  ['command', { command: [] }],
  ['command', { command: ['{stream}'] }],
  ['stopTimeoutMs', { command, stopTimeoutMs: -1 }],
  ['orphans', { command, orphans: 'nobody' as never }],
];
it.each(bad)('the process driver refuses a bad %s', (name, options) => {
  expect(() => processDriver(options)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  expect(() => processDriver(options)).toThrow(name);
});

it('the process driver ends by its pid file what an earlier process has left, and nothing else', async () => {
  const pidFolder = path.join(folder, 'left');
  const options: ProcessDriverOptions = { command, orphans: 'pid-file', pidFolder };
  const first = processDriver(options);
  await first.start(camera(1), aRun().run);
  await until('it runs', () => isAlive(pidOf('cam-1')));
  const left = pidOf('cam-1');
  const note = JSON.parse(readFileSync(path.join(pidFolder, 'cam-1.pid'), 'utf8')) as { pid: number };
  expect(note).toMatchObject({ pid: left, startedAt: expect.stringMatching(/\d\d:\d\d:\d\d/) });

  const second = processDriver(options); // as if the first had crashed
  await second.start(camera(1), aRun().run);
  await until('the earlier one has gone', () => !isAlive(left));
  await second.close?.();

  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true });
  await once(stranger, 'spawn');
  writeFileSync(path.join(pidFolder, 'cam-2.pid'), JSON.stringify({ pid: stranger.pid, startedAt: 'another time' }));
  const third = processDriver(options);
  await third.start(camera(2), aRun().run);
  expect(isAlive(stranger.pid!)).toBe(true);
  await third.close?.();
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
});
