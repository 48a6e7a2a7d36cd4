/**
 * For tests that measure the heap: one that finds too much measures again, twice at most. Whatever the runtime makes just then, compiled
 * code or a larger table, is in one of three measurements; what a package keeps is in all of them.
 */
jest.retryTimes(2, { logErrorsBeforeRetry: true });
