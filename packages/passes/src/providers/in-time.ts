import type { Clock } from '@stream-sessions/core';
import type { CallOptions } from '../types/source.js';

/** Resolves with the result of the call, or rejects if that takes too long; the call is then told to abort. */
export async function inTime<T>(
  clock: Clock,
  ms: number,
  call: (options: CallOptions) => T | PromiseLike<T>,
): Promise<T> {
  const gaveUp = new AbortController();
  let timer: unknown;
  const tooLate = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => {
      const error = new Error(`no answer within ${ms} ms`);
      gaveUp.abort(error);
      reject(error);
    }, ms);
  });
  try {
    return await Promise.race([call({ signal: gaveUp.signal }), tooLate]);
  } finally {
    clock.clearTimeout(timer);
  }
}
