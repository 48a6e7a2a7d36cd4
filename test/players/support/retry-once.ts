/**
 * Real players on a machine that others use now and then miss a moment that a test waits for. One that fails runs once more, and its
 * first failure is printed; what is broken fails twice.
 */
jest.retryTimes(1, { logErrorsBeforeRetry: true });
