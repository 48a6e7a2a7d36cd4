import type { InvalidateResult, StreamSummary, TrackerStats } from '@stream-sessions/core';

/** The tracker's counters as JSON, in Open-Streamer's names. */
export const statsToWire = (stats: TrackerStats) => ({
  active: stats.active,
  opened_total: stats.openedTotal,
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

export const streamToWire = ({ stream, viewers, inputs, outputs, bytes }: StreamSummary) => ({
  stream_code: stream,
  viewers,
  inputs,
  outputs,
  bytes,
});

export const invalidatedToWire = ({ asked, kept, closed, denialsLifted }: InvalidateResult) => ({
  asked,
  kept,
  closed,
  denials_lifted: denialsLifted,
});
