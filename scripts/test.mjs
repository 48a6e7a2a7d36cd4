/**
 * `npm test`: types, lint, format, then the tests: unit, memory, packaging, players. `npm run check` (--fast) leaves the last
 * two out. Goes on after a failure, so that one run tells everything, and ends with one line that counts it. A failed step counts as one.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readReport, reasonToFail } from './lib/report.mjs';
import { isCI, run, say, tool } from './lib/run.mjs';
import { summaryFile } from './lib/summary.mjs';
import { setup } from './setup.mjs';

const fast = process.argv.includes('--fast');
const cache = path.dirname(summaryFile);
rmSync(summaryFile, { force: true });
const missing = setup(fast ? 'check' : 'test');
mkdirSync(cache, { recursive: true });

const total = { passed: 0, failed: 0, skipped: 0, flaky: [] };
const failures = [];

async function step(name, args) {
  const since = Date.now();
  const { code, output } = await run(process.execPath, args, { quiet: true });
  if (code !== 0) {
    console.error(output);
    failures.push(name);
    total.failed += 1;
  }
  say(`${name}: ${code === 0 ? 'ok' : 'FAILED'} (${((Date.now() - since) / 1000).toFixed(1)} s)`);
}

async function tests(project, extra = []) {
  const report = path.join(cache, `${project}.json`);
  rmSync(report, { force: true });
  const args = [tool('jest/bin/jest.js'), '--selectProjects', project, '--json', `--outputFile=${report}`, ...extra];
  say(`${project} tests`);
  const { code } = await run(process.execPath, args);
  const counted = readReport(report);
  // a measurement that was taken again is no second try of what happens
  if (project === 'memory') counted.flaky = [];
  total.passed += counted.passed;
  total.failed += counted.failed;
  total.skipped += counted.skipped;
  total.flaky.push(...counted.flaky);
  // a suite that does not compile or a runner that died has failed, whatever it counted
  const reason = reasonToFail(counted, isCI) ?? (code === 0 ? undefined : 'Jest says so');
  if (reason === undefined) return;
  failures.push(`${project} tests: ${reason}`);
  if (counted.failed === 0) total.failed += 1;
}

await Promise.all([
  step('types', [tool('typescript/bin/tsc'), '-p', 'tsconfig.all.json']),
  step('format', [tool('prettier/bin/prettier.cjs'), '--check', '.', '--log-level', 'warn']),
]);
await step('lint', [tool('eslint/bin/eslint.js'), '.', '--max-warnings', '0']);
// most of them wait for sockets and players: two at a time, also on two cores
const PAIRS = ['--maxWorkers=2'];
await tests('unit', PAIRS);
await tests('memory', PAIRS);
if (!fast) {
  await tests('packaging', ['--runInBand']);
  if (missing.length === 0) {
    await tests('players', PAIRS);
    await tests('alone', ['--runInBand']);
  } else {
    say(`The player tests were skipped: ${missing.join(' and ')} missing. With CI=true this is a failure.`);
    total.skipped += 1;
  }
}

const line = `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`;
writeFileSync(summaryFile, `${line}\n`);
for (const name of total.flaky) say(`Passed at the second try only: ${name}`);
if (failures.length > 0) say(`Failed: ${failures.join(', ')}`);
say(`${total.flaky.length} flaky`);
say(line);
process.exitCode = failures.length === 0 ? 0 : 1;
