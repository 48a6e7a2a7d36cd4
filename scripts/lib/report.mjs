import { readFileSync } from 'node:fs';

/** In CI this many tests of a project may have needed a second try; more is a failure. */
export const FLAKY_ALLOWED = 1;

/**
 * What a JSON report of Jest counts. A suite that does not compile counts as one failed test, and a test that failed at first and
 * passed when it was retried is named as flaky.
 *
 * @param {string} file
 * @returns {{ passed: number, failed: number, skipped: number, flaky: string[] }} all zero when there is no report: the runner died
 */
export function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const broken = report.testResults.filter(
      (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
    );
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
      flaky: report.testResults
        .flatMap((suite) => suite.assertionResults)
        .filter(({ status, invocations }) => status === 'passed' && invocations > 1)
        .map(({ fullName }) => fullName),
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0, flaky: [] };
  }
}

/**
 * Whether the run of a project with these counts is a success, and if not, why.
 *
 * @param {{ passed: number, failed: number, flaky: string[] }} counted
 * @param {boolean} isCI
 * @returns {string | undefined} the reason for failing; undefined: success
 */
export function reasonToFail({ passed, failed, flaky }, isCI) {
  if (failed > 0) return `${failed} failed`;
  if (passed === 0) return 'no test ran';
  if (isCI && flaky.length > FLAKY_ALLOWED) return `${flaky.length} tests needed a second try, ${FLAKY_ALLOWED} may`;
  return undefined;
}
