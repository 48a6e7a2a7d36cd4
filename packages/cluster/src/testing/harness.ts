import type { SkippedCase } from '@stream-sessions/core/testing';
import type { ClusterLink } from '../link/link.js';

/** A cluster that nobody has joined, and what the suite may do with it. */
export interface RunningLinks {
  /** Another process's link into the same cluster. The suite closes it. */
  open(): ClusterLink | Promise<ClusterLink>;
  /** A link into another cluster that uses the same server, if there is such a thing. */
  openElsewhere?(): ClusterLink | Promise<ClusterLink>;
  /** Breaks every connection that there is; they may come back at once. */
  interrupt(): unknown;
  /** What is kept without an expiry, by name: looked at after every case, and has to be nothing. */
  withoutExpiry(): readonly string[] | Promise<readonly string[]>;
  /** Ends whatever was started. The links are closed by then. */
  stop?(): unknown;
}

/** What a link brings to run `clusterLinkContract`. */
export interface ClusterLinkHarness {
  /** Names the suite. */
  name: string;
  /** A fresh cluster. */
  start(): RunningLinks | Promise<RunningLinks>;
  /** Cases that this link cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
