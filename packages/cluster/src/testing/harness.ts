import type { SkippedCase } from '@stream-sessions/core/testing';
import type { ClusterLink } from '../link/link.js';

/** A cluster that nobody has joined, and what the suite may do with it. */
export interface RunningLinks {
  /** Another process's link to the same cluster. The suite closes it. */
  open(): ClusterLink | Promise<ClusterLink>;
  /** A link to another cluster on the same server, if there is such a thing. */
  openElsewhere?(): ClusterLink | Promise<ClusterLink>;
  /** Breaks every connection; they may reconnect at once. */
  interrupt(): unknown;
  /** The names of what is stored without an expiry: checked after every case, and must be empty. */
  withoutExpiry(): readonly string[] | Promise<readonly string[]>;
  /** Stops everything that was started. The links have been closed by then. */
  stop?(): unknown;
}

/** What a link provides to run `clusterLinkContract`. */
export interface ClusterLinkHarness {
  /** Names the suite. */
  name: string;
  /** A fresh cluster. */
  start(): RunningLinks | Promise<RunningLinks>;
  /** Cases that this link cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
