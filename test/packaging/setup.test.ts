import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainEnvironment } from './support/command.js';
import { root } from './support/packages.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('scripts/setup.mjs on a machine that has only Node', () => {
  function setup(purpose: string, environment: Record<string, string> = {}) {
    symlinkSync(process.execPath, join(folder, 'node'));
    const { CI: _, ...env } = plainEnvironment();
    // SETUP=npm: a test must not install packages on somebody's machine
    return spawnSync(process.execPath, ['scripts/setup.mjs', purpose], {
      cwd: root,
      encoding: 'utf8',
      env: { ...env, PATH: folder, SETUP: 'npm', ...environment },
    });
  }

  it('fails before the tests in CI, and says what to install', () => {
    const { status, stderr } = setup('test', { CI: 'true' });
    expect(status).toBe(1);
    expect(stderr).toContain('Missing: ffmpeg, chromium');
    expect(stderr).toContain('apt-get install ffmpeg chromium');
  });

  it('goes on without ffmpeg before the start, and says what to install', () => {
    const { status, stdout } = setup('start');
    expect(stdout).toContain('Missing: ffmpeg. ');
    expect(status).toBe(0);
  });

  it('needs nothing from the system for a build', () => {
    const { status, stdout } = setup('build');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('refuses an unknown purpose', () => {
    expect(setup('everything')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('start|test|check|clients|bench|build'),
    });
  });
});

describe('.ci/run', () => {
  /** Runs it with an `npm` that leaves this summary and ends so. */
  function ciRun(summary: string | undefined, exitCode: number) {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    mkdirSync(join(folder, 'node_modules/.cache/stream-sessions'), { recursive: true });
    cpSync(join(root, '.ci/run'), join(folder, '.ci/run'));
    // the last run's counts must not stand for this one
    writeFileSync(join(folder, 'node_modules/.cache/stream-sessions/summary.txt'), '99 passed, 0 failed, 0 skipped\n');
    const leave = summary === undefined ? '' : `echo '${summary}' > node_modules/.cache/stream-sessions/summary.txt`;
    writeFileSync(
      join(bin, 'npm'),
      `#!/bin/sh\n[ "$1" = test ] && [ "$CI" = true ] || exit 99\n${leave}\necho npm talks\nexit ${exitCode}\n`,
    );
    chmodSync(join(bin, 'npm'), 0o755);
    const { status, stdout } = spawnSync('bash', [join(folder, '.ci/run')], {
      cwd: tmpdir(),
      encoding: 'utf8',
      env: { PATH: `${bin}:${process.env.PATH}` },
    });
    return { status, lastLine: stdout.trimEnd().split('\n').at(-1) };
  }

  it.each([
    ['3 passed, 0 failed, 1 skipped', 0, 0],
    ['3 passed, 1 failed, 0 skipped', 1, 1],
    ['3 passed, 0 failed, 0 skipped', 7, 7],
    ['0 passed, 0 failed, 0 skipped', 0, 1],
  ])('ends with the line "%s" when npm test ends with %i', (line, exitCode, expected) => {
    expect(ciRun(line, exitCode)).toEqual({ status: expected, lastLine: line });
  });

  it.each([0, 1])('counts a run that left no counts as failed, though it ended with %i', (exitCode) => {
    expect(ciRun(undefined, exitCode)).toEqual({ status: 1, lastLine: '0 passed, 1 failed, 0 skipped' });
  });
});
