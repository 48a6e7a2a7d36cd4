import type { TrackerStats } from '../types/stats.js';
import type { Parts } from './assemble.js';

/** Counters, and what is live now. */
export function statsOf({ totals, registry, resolver, hub, pipeline, settings }: Parts): TrackerStats {
  return {
    active: registry.live.size,
    openedTotal: totals.opened,
    resumedTotal: totals.resumed,
    waiting: resolver.waiting?.size ?? 0,
    closedTotal: totals.closed,
    idleClosedTotal: totals.idleClosed,
    kickedTotal: totals.kicked,
    deniedTotal: totals.denied,
    overloadTotal: totals.overload,
    handoversTotal: totals.handovers,
    droppedEventsTotal: hub.dropped,
    sinks: hub.stats(),
    viewers: registry.counts.viewer,
    inputs: registry.counts.input,
    outputs: registry.counts.output,
    bytesTotal: totals.bytes,
    receivedBytesTotal: totals.bytesReceived,
    watchSecondsTotal: totals.watchedMs / 1000,
    closedByReason: totals.closedBy.all,
    deniedByReason: totals.deniedBy.all,
    policies: pipeline.times.of(settings.policies),
    get activeBy() {
      return registry.liveStreams.activeBy();
    },
  };
}
