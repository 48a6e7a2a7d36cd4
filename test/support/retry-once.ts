/**
 * Real players, servers and processes on a machine that others use now and then miss a moment that a test waits for. A test that fails
 * runs once more, and its first failure is printed. `npm test` counts it as flaky, and CI accepts one of these in a project: whatever is
 * broken fails twice.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true });
