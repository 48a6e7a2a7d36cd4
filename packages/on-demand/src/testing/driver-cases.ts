import assert from 'node:assert/strict';
import type { SourceRun, SourceTarget } from '../driver.js';
import type { RunningDriver } from './driver-harness.js';
import { until } from './waiting.js';

/** One rule. */
export interface DriverCase {
  readonly name: string;
  test(subject: RunningDriver): Promise<void>;
}

const camera = (n: number): SourceTarget => ({ stream: `cam-${n}`, values: { stream: `cam-${n}`, n: String(n) } });

/** A start, recording what the driver reports about it. */
function aRun(): SourceRun & { readonly ends: string[]; abort(): void } {
  const controller = new AbortController();
  const ends: string[] = [];
  return {
    signal: controller.signal,
    ends,
    ended: (why) => void ends.push(why),
    abort: () => controller.abort(new Error('it is not wanted any more')),
  };
}

const runs = (subject: RunningDriver, n: number) => async () => subject.isRunning(`cam-${n}`);
const isGone = (subject: RunningDriver, n: number) => async () => !(await subject.isRunning(`cam-${n}`));

/** What every driver must do. */
export const driverCases: readonly DriverCase[] = [
  {
    name: 'starts a source and stops it',
    test: async (subject) => {
      await subject.driver.start(camera(1), aRun());
      await until('it runs', runs(subject, 1));
      await subject.driver.stop(camera(1));
      assert.equal(await subject.isRunning('cam-1'), false);
    },
  },
  {
    name: 'starts it again after it was stopped',
    test: async (subject) => {
      await subject.driver.start(camera(1), aRun());
      await subject.driver.stop(camera(1));
      await subject.driver.start(camera(1), aRun());
      await until('it runs', runs(subject, 1));
    },
  },
  {
    name: 'stop() of a source that does not run does no harm',
    test: async ({ driver }) => {
      await driver.stop(camera(1));
      await driver.start(camera(1), aRun());
      await driver.stop(camera(1));
      await driver.stop(camera(1));
    },
  },
  {
    name: 'keeps streams apart',
    test: async (subject) => {
      await subject.driver.start(camera(1), aRun());
      await subject.driver.start(camera(2), aRun());
      await until('both run', async () => (await runs(subject, 1)()) && (await runs(subject, 2)()));
      await subject.driver.stop(camera(1));
      assert.equal(await subject.isRunning('cam-1'), false);
      assert.equal(await subject.isRunning('cam-2'), true);
    },
  },
  {
    name: 'leaves nothing of a start that was given up',
    test: async (subject) => {
      const run = aRun();
      const started = Promise.resolve(subject.driver.start(camera(1), run)).catch(() => undefined);
      run.abort();
      await subject.driver.stop(camera(1));
      await started;
      await subject.driver.stop(camera(1));
      await until('it does not run', isGone(subject, 1));
    },
  },
  {
    name: 'reports a source that ended by itself, through ended() or state()',
    test: async (subject) => {
      const run = aRun();
      await subject.driver.start(camera(1), run);
      await until('it runs', runs(subject, 1));
      await subject.crash('cam-1');
      const { driver } = subject;
      await until('it was told', async () => run.ends.length > 0 || (await driver.state?.(camera(1))) === 'stopped');
      await driver.start(camera(1), aRun());
      await until('it runs again', runs(subject, 1));
    },
  },
  {
    name: 'says what runs, if it can say so at all',
    test: async ({ driver }) => {
      if (driver.state === undefined) return;
      assert.equal(await driver.state(camera(1)), 'stopped');
      await driver.start(camera(1), aRun());
      assert.equal(await driver.state(camera(1)), 'running');
      await driver.stop(camera(1));
      assert.equal(await driver.state(camera(1)), 'stopped');
    },
  },
  {
    name: 'rejects, or says that it does not know, while it reaches nothing',
    test: async (subject) => {
      const { driver } = subject;
      assert.ok('breakDown' in subject, 'the harness has no breakDown(); name this case in `skip`, with the reason');
      await driver.start(camera(1), aRun());
      await subject.breakDown?.();
      const state = await Promise.resolve(driver.state?.(camera(1)) ?? 'unknown').catch(() => 'unknown');
      assert.equal(state, 'unknown');
      await assert.rejects(async () => driver.start(camera(2), aRun()));
      await assert.rejects(async () => driver.stop(camera(1)));
    },
  },
  {
    name: 'closes twice without complaint',
    test: async ({ driver }) => {
      await driver.start(camera(1), aRun());
      await driver.close?.();
      await driver.close?.();
    },
  },
];
