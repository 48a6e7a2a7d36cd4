import type { Denial } from '../types/denial.js';
import type { PlaySession, StreamSummary } from '../types/play-session.js';
import type { TrackerStats } from '../types/stats.js';
import { denialToWire } from './denial.js';
import { toWire, visitToWire } from './session.js';
import { streamToWire, totalsToWire } from './stats.js';

/** One page of a list of sessions. */
export interface SessionsPage {
  readonly sessions: readonly PlaySession[];
  /** Several rows may share an id: each gets a `visit_id`. */
  readonly allVisits: boolean;
  /** The number of rows on all pages. */
  readonly total: number;
  readonly stats: TrackerStats;
  /** The cursor of the next page; undefined: this is the last one. */
  readonly next: string | undefined;
}

/** A page of sessions as JSON, with the counters. */
export const sessionsToWire = ({ sessions, allVisits, total, stats, next }: SessionsPage) => ({
  sessions: sessions.map((session) => (allVisits ? visitToWire(session) : toWire(session))),
  total_count: total,
  stats: totalsToWire(stats),
  ...(next === undefined ? {} : { next }),
});

/** A list of streams as JSON. `total` includes those that are not shown. */
export const streamsToWire = (streams: readonly StreamSummary[], total: number) => ({
  streams: streams.map(streamToWire),
  total_count: total,
});

/** A list of denials as JSON. `total` includes those that are not shown. */
export const denialsToWire = (denials: readonly Denial[], total: number) => ({
  denials: denials.map(denialToWire),
  total_count: total,
});
