import { CLOSE_REASONS } from '../types/kinds.js';
import { ReasonCounts } from './reason-counts.js';

/** What `stats()` has counted since the tracker was made. */
export class Totals {
  opened = 0;
  /** Visits of an earlier process that were continued. */
  resumed = 0;
  closed = 0;
  idleClosed = 0;
  kicked = 0;
  denied = 0;
  overload = 0;
  /** Visits that continue on other nodes of a cluster. */
  handovers = 0;
  bytes = 0;
  bytesReceived = 0;
  /** Of all sessions; for live ones, up to their last activity. */
  watchedMs = 0;
  readonly closedBy = new ReasonCounts(CLOSE_REASONS);
  readonly deniedBy = new ReasonCounts(CLOSE_REASONS);

  /** A session was watched without a break. The clock may have been set back meanwhile; the count never decreases. */
  watched(from: number, to: number): void {
    if (to > from) this.watchedMs += to - from;
  }
}
