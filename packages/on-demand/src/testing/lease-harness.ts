import type { SourceShare } from '../lease/lease.js';
import type { Skipped } from './suite.js';

/** One of the processes that compete to decide. Its methods are those of its `SourceLease`. */
export interface Contender {
  acquire(): Promise<boolean>;
  held(): boolean | Promise<boolean>;
  release(): Promise<unknown>;
  share?(ours: SourceShare): Promise<readonly SourceShare[]>;
  /** Ends it without notice, as `kill -9` does. */
  kill(): Promise<unknown>;
}

/** What a lease provides to run `leaseContract`. */
export interface LeaseHarness {
  /** Names the suite. */
  readonly name: string;
  /** A lease that nobody holds, and its contenders. */
  start(): RunningLease | Promise<RunningLease>;
  /** How long it may take until a lease held by a dead process is free. Default 5,000 ms. */
  readonly takeoverMs?: number;
  /** Cases that this lease cannot run, each with its reason. Default: none. */
  readonly skip?: readonly Skipped[];
}

/** One lease. */
export interface RunningLease {
  /** Another process. */
  contender(): Promise<Contender>;
  /** Stops everything that was started. */
  stop?(): unknown;
}
