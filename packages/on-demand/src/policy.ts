import type { Policy } from '@stream-sessions/core';

/** Why nothing can be started for a stream now; undefined: something can, or runs already. */
export interface Availability {
  unavailable(stream: string): string | undefined;
}

/** Says no to who would only wait. Who is let in wakes the source by being there, so nobody does whom a policy refuses. */
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
