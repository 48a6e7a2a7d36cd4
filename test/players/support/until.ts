import { until as untilSoon } from '../../support/until.js';

/** As everywhere; players take their time, and asking a browser is not for nothing. */
export const until = <T>(what: string, ask: () => T | Promise<T>, { timeoutMs = 15_000, everyMs = 50 } = {}) =>
  untilSoon(what, ask, timeoutMs, everyMs);
