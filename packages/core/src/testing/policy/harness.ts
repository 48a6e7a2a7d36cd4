import type { HttpHit } from '../../types/hit.js';
import type { Policy } from '../../types/policy.js';
import type { FakeClock } from '../fake-clock.js';
import type { SkippedCase } from '../suite.js';

/** A policy, and hits whose fate under it is known. */
export interface RunningPolicy {
  policy: Policy;
  /** A viewer that is let in; each number is another viewer, with another address or token. */
  allowed(n: number): HttpHit;
  /** A viewer that is refused; each number is another one. Absent if the policy refuses nobody: skip that case then. */
  refused?(n: number): HttpHit;
  /** Ends whatever was started. */
  stop?(): unknown;
}

/** What a policy brings to run `policyContract`. */
export interface PolicyHarness {
  /** Names the suite. */
  name: string;
  /** Creates a fresh policy that takes its time from this clock, if it needs the time. */
  start(clock: FakeClock): RunningPolicy | Promise<RunningPolicy>;
  /** Cases that this policy cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
