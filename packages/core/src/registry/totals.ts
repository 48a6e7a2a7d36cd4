import { CLOSE_REASONS } from '../types/kinds.js';
import { ReasonCounts } from './reason-counts.js';

/** What `stats()` counts since the tracker was made. */
export class Totals {
  opened = 0;
  /** Visits of an earlier process that have gone on. */
  resumed = 0;
  closed = 0;
  idleClosed = 0;
  kicked = 0;
  denied = 0;
  overload = 0;
  /** Visits that go on at other nodes of a cluster. */
  handovers = 0;
  bytes = 0;
  bytesReceived = 0;
  /** Of all sessions, up to the last activity of those that are live. */
  watchedMs = 0;
  readonly closedBy = new ReasonCounts(CLOSE_REASONS);
  readonly deniedBy = new ReasonCounts(CLOSE_REASONS);

  /** A session was watched without a break. The clock may have been set back meanwhile; the count goes only up. */
  watched(from: number, to: number): void {
    if (to > from) this.watchedMs += to - from;
  }
}
