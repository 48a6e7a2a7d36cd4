import { StreamSessionsError, type SessionTracker } from '@stream-sessions/core';

/**
 * Refuses at start-up what would fail at the first request: options in the tracker's place, or nothing.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function needTracker(what: string, tracker: Partial<SessionTracker> | undefined): void {
  if (typeof tracker?.admit === 'function') return;
  throw new StreamSessionsError('ERR_BAD_OPTION', `${what}: the first argument must be a tracker: createTracker().`);
}
