import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { root } from './support/packages.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-report-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a suite with Jest as `npm test` does, and reads the report as `npm test` does. */
function reportOf(suite: string) {
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'some.test.js'), suite);
  const report = join(folder, 'report.json');
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  // in that folder, or Jest would read the configuration of this repository
  spawnSync(process.execPath, [jest, '--json', `--outputFile=${report}`], { cwd: folder });
  return evaluate(`readReport(${JSON.stringify(report)})`);
}

/** The scripts are ES modules, which Jest does not load: another Node says what they return. */
function evaluate(expression: string) {
  const module = pathToFileURL(join(root, 'scripts/lib/report.mjs')).href;
  const program = `import { readReport, reasonToFail } from '${module}'; console.log(JSON.stringify(${expression}) ?? 'null');`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return JSON.parse(stdout);
}

describe('the report of a test run', () => {
  it('names a test as flaky that passed only when it was retried', () => {
    const suite = `
      jest.retryTimes(1);
      let tries = 0;
      it('comes late', () => { if (tries++ === 0) throw new Error('too early'); });
      it('is there', () => {});
      it('never comes', () => { throw new Error('broken'); });
    `;
    expect(reportOf(suite)).toEqual({ passed: 2, failed: 1, skipped: 0, flaky: ['comes late'] });
  });

  it('counts a suite that does not compile as a failure', () => {
    expect(reportOf('it(')).toEqual({ passed: 0, failed: 1, skipped: 0, flaky: [] });
  });

  it.each([
    ['passes', { passed: 9, failed: 0, flaky: [] }, null],
    ['passes with one flaky test', { passed: 9, failed: 0, flaky: ['a'] }, null],
    ['fails with two flaky tests', { passed: 9, failed: 0, flaky: ['a', 'b'] }, '2 tests needed a second try, 1 may'],
    ['fails with a failed test', { passed: 9, failed: 1, flaky: [] }, '1 failed'],
    ['fails without a test', { passed: 0, failed: 0, flaky: [] }, 'no test ran'],
  ])('%s in CI', (_what, total, reason) => {
    expect(evaluate(`reasonToFail(${JSON.stringify(total)}, true)`)).toBe(reason);
  });

  it('lets flaky tests pass outside CI, where they are only named', () => {
    expect(evaluate(`reasonToFail({ passed: 9, failed: 0, flaky: ['a', 'b', 'c'] }, false)`)).toBeNull();
  });
});
