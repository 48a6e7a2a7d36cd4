import type { Policy } from '@stream-sessions/core';

/** Why nothing can be started for a stream now; undefined: it can be, or is already running. */
export interface Availability {
  unavailable(stream: string): string | undefined;
}

/**
 * Refuses viewers who would wait in vain. An admitted viewer wakes the source by its presence, so a viewer whom a policy refuses
 * does not.
 */
export function resourcePolicy(sources: Availability): Policy {
  return {
    name: 'on-demand',
    stage: 'resource',
    admit({ stream, kind = 'viewer', again }) {
      const detail =
        again !== true && (kind === 'viewer' || kind === 'output') ? sources.unavailable(stream) : undefined;
      return detail === undefined ? { allow: true } : { allow: false, reason: 'overload', kind: 'overload', detail };
    },
  };
}
