import type { TrackerOptions } from '../types/options.js';
import type { SessionTracker } from '../types/tracker.js';
import { Tracker } from './tracker.js';

/**
 * Makes a tracker: one list of who is watching, over every transport that reports to it.
 *
 * ```ts
 * const tracker = createTracker({ idleTimeoutMs: 30_000 });
 * tracker.on('opened', ({ session }) => console.log(`${session.userName} watches ${session.stream}`));
 * ```
 *
 * @throws StreamSessionsError ERR_BAD_OPTION if an option is unknown or has an impossible value,
 *   ERR_WOULD_OPEN_ALL for `enabled: false` together with policies, ERR_STATE_IN_USE for a `state` that another tracker has
 */
export function createTracker(options: TrackerOptions = {}): SessionTracker {
  return new Tracker(options);
}
