import type { StreamSummary } from '../types/play-session.js';
import type { TrackerStats } from '../types/stats.js';
import type { InvalidateResult } from '../types/operations.js';

/** The counters that lists show, with Open-Streamer's names. */
export const totalsToWire = (stats: TrackerStats) => ({
  active: stats.active,
  opened_total: stats.openedTotal,
  resumed_total: stats.resumedTotal,
  waiting: stats.waiting,
  closed_total: stats.closedTotal,
  idle_closed_total: stats.idleClosedTotal,
  kicked_total: stats.kickedTotal,
  denied_total: stats.deniedTotal,
  overload_total: stats.overloadTotal,
  dropped_events_total: stats.droppedEventsTotal,
  viewers: stats.viewers,
  inputs: stats.inputs,
  outputs: stats.outputs,
  bytes_total: stats.bytesTotal,
});

/** All the tracker's counters as JSON. */
export const statsToWire = (stats: TrackerStats) => ({
  ...totalsToWire(stats),
  received_bytes_total: stats.receivedBytesTotal,
  watch_seconds_total: stats.watchSecondsTotal,
  handovers_total: stats.handoversTotal,
  closed_by_reason: stats.closedByReason,
  denied_by_reason: stats.deniedByReason,
  policies: stats.policies.map(({ name, asked, seconds }) => ({
    policy: name,
    asked_total: asked,
    seconds_total: seconds,
  })),
  sinks: stats.sinks.map(({ name, queued, dropped }) => ({ sink: name, queued, dropped_total: dropped })),
});

/** The viewers and publishers of one stream, as JSON. */
export const streamToWire = ({ stream, viewers, dvr, inputs, outputs, bytes }: StreamSummary) => ({
  stream_code: stream,
  viewers,
  dvr,
  inputs,
  outputs,
  bytes,
});

/** The result of asking the policies again, as JSON. */
export const invalidatedToWire = ({ asked, kept, closed, denialsLifted }: InvalidateResult) => ({
  asked,
  kept,
  closed,
  denials_lifted: denialsLifted,
});
