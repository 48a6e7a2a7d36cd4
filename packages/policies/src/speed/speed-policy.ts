import type { Candidate, Policy, Verdict } from '@stream-sessions/core';
import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { isStreamPatterns, namesStream } from '../support/stream-patterns.js';

/** A rate in megabits per second, or a function that returns it for each candidate; undefined: no limit. */
export type Speed = number | ((candidate: Candidate) => number | undefined);

/** Options of `speedPolicy`. */
export interface SpeedOptions {
  /** What a viewer may receive, in megabits per second, over all its responses and connections together. Default: no limit. */
  downMbits?: Speed | undefined;
  /** What a publisher may send, in megabits per second. Default: no limit. */
  upMbits?: Speed | undefined;
  /** The streams that it applies to: a code, a pattern (`news/*`), or a list of them. Default: all. */
  per?: string | readonly string[] | undefined;
  /** Default `speed`, with the patterns of `per` if there are any. */
  name?: string | undefined;
}

/** Lifts what this policy said before, about another stream. */
const NO_LIMIT: Verdict = Object.freeze({ allow: true, limits: Object.freeze({}) });

/**
 * Limits speed and refuses nobody. Responses over HTTP are throttled; a connection that exceeds its limit for ten seconds is cut
 * as `over_speed`. The tightest limits of several policies apply. A function is called whenever policies decide:
 * `tracker.invalidate()` applies a change to live sessions.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function speedPolicy(options: SpeedOptions): Policy {
  checkOptions('speedPolicy()', options, ['downMbits', 'upMbits', 'per', 'name']);
  const { downMbits, upMbits, per } = options;
  if (downMbits === undefined && upMbits === undefined) {
    throw badOption('speedPolicy()', 'given downMbits, upMbits or both', options);
  }
  checkSpeed('downMbits', downMbits);
  checkSpeed('upMbits', upMbits);
  const patterns = per === undefined ? undefined : [per].flat();
  if (patterns?.length === 0 || patterns?.includes('') || !isStreamPatterns(patterns ?? [])) {
    throw badOption('per', 'a stream code, a pattern such as "news/*", or a list of them', per);
  }
  const { name = patterns === undefined ? 'speed' : `speed of ${patterns.join(', ')}`.slice(0, 100) } = options;
  return {
    name,
    admit(candidate) {
      if (patterns !== undefined && !namesStream(patterns, candidate.stream)) return NO_LIMIT;
      const [down, up] = [speedFor(candidate, downMbits), speedFor(candidate, upMbits)];
      return {
        allow: true,
        limits: { ...(down === undefined ? {} : { downMbits: down }), ...(up === undefined ? {} : { upMbits: up }) },
      };
    },
  };
}

const speedFor = (candidate: Candidate, speed: Speed | undefined): number | undefined =>
  typeof speed === 'function' ? speed(candidate) : speed;

function checkSpeed(name: string, speed: Speed | undefined): void {
  if (speed === undefined || typeof speed === 'function') return;
  if (!(typeof speed === 'number' && speed > 0)) throw badOption(name, 'more than 0 Mbit/s, or a function', speed);
}
