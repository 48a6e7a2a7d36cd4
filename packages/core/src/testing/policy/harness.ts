import type { HttpHit } from '../../types/hit.js';
import type { Policy } from '../../types/policy.js';
import type { FakeClock } from '../fake-clock.js';
import type { SkippedCase } from '../suite.js';

/** A policy, and hits for which its decision is known. */
export interface RunningPolicy {
  policy: Policy;
  /** A viewer that is admitted; each number is a different viewer, with another address or token. */
  allowed(n: number): HttpHit;
  /** A viewer that is refused; each number is a different one. Absent if the policy refuses nobody: skip that case then. */
  refused?(n: number): HttpHit;
  /** Stops everything that was started. */
  stop?(): unknown;
}

/** What a policy provides to run `policyContract`. */
export interface PolicyHarness {
  /** Names the suite. */
  name: string;
  /** Creates a fresh policy that takes its time from this clock, if it needs the time. */
  start(clock: FakeClock): RunningPolicy | Promise<RunningPolicy>;
  /** Cases that this policy cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
