import type { Policy, Refusal } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { kindOf, YES } from '../support/kinds.js';
import { checkWhole } from '../support/numbers.js';

/** Options of `bandwidthCap`. */
export interface BandwidthCapOptions {
  /** What is measured: everything sent to this tracker's sessions, or to those of the same stream. Default `process`. */
  per?: 'process' | 'stream' | undefined;
  /** Megabits per second from which new sessions are refused. */
  maxMbits: number;
  /** The period over which the rate is measured. Milliseconds from 2_000 to 600_000; default 10_000. */
  windowMs?: number | undefined;
  /** Default `bandwidth cap`. */
  name?: string | undefined;
}

/**
 * Refuses new sessions while the rate is at its maximum, and cuts nobody. Only admitted sessions are measured: of many that
 * arrive in the same second, all are admitted if there is room for one. Publishers, who send, are admitted.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function bandwidthCap(options: BandwidthCapOptions): Policy {
  checkOptions('bandwidthCap()', options, ['per', 'maxMbits', 'windowMs', 'name']);
  const { per = 'process', maxMbits, windowMs = 10_000, name = 'bandwidth cap' } = options;
  if (per !== 'process' && per !== 'stream') throw badOption('per', '"process" or "stream"', per);
  if (!(typeof maxMbits === 'number' && maxMbits > 0)) throw badOption('maxMbits', 'more than 0 Mbit/s', maxMbits);
  checkWhole('windowMs', windowMs, 2_000, 600_000);
  const where = per === 'stream' ? 'of the stream' : 'in all';
  return {
    name,
    stage: 'concurrency',
    admit(candidate, view) {
      const mbits = view.rate(per === 'stream' ? candidate.stream : undefined, windowMs);
      const isIn = candidate.session !== undefined || candidate.continues !== undefined;
      if (isIn || kindOf(candidate) === 'input' || mbits < maxMbits) return YES;
      return full(`${mbits.toFixed(1)} of ${maxMbits} Mbit/s ${where}`);
    },
  };
}

const full = (detail: string): Refusal => ({
  allow: false,
  reason: 'overload',
  kind: 'overload',
  detail,
  denyForMs: 0,
});
