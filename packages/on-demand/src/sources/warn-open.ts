import type { SessionTracker } from '@stream-sessions/core';

let warned = false;

/** A source is being woken, and no policy says who may do that. */
export function warnOpen(tracker: SessionTracker): void {
  if (warned || tracker.authorises) return;
  warned = true;
  process.emitWarning(
    'No policy authorises viewers, so everybody who can reach this server can start sources, up to maxRunning at once. ' +
      'Give the tracker one of @stream-sessions/policies, such as jwtPolicy() or signedUrlPolicy().',
    { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_OPEN_SOURCES' },
  );
}
