import type { SessionTracker } from '../types/tracker.js';
import { StreamSessionsError } from '../support/errors.js';

/**
 * For adapters: rejects at start-up what would otherwise fail at the first client, such as options in place of the tracker, or
 * nothing.
 *
 * @param what `attachRtmp(): the second argument`
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function needTracker(what: string, tracker: Partial<SessionTracker> | undefined): void {
  if (typeof tracker?.admit === 'function') return;
  throw new StreamSessionsError('ERR_BAD_OPTION', `${what} must be a tracker: createTracker().`);
}
