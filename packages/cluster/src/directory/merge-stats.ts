import type { SessionKind, StreamSummary, TrackerStats } from '@stream-sessions/core';
import { SESSION_KINDS } from '@stream-sessions/core/spi';
import type { CountsOfStream } from '../visits/live-counts.js';

type Counts = Readonly<Record<string, number>>;

function added(counts: readonly Counts[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const each of counts) for (const [key, n] of Object.entries(each)) sums[key] = (sums[key] ?? 0) + n;
  return sums;
}

/**
 * Merges the counters of all nodes. A live visit counts once, whichever nodes it was seen on; opened and closed sessions are
 * counted by part, as the trackers count them.
 */
export function mergedStats(nodes: readonly TrackerStats[], live: ReadonlyMap<string, CountsOfStream>): TrackerStats {
  const sum = (field: NumberOf): number => nodes.reduce((total, stats) => total + stats[field], 0);
  const streams = [...live.values()];
  const of = (kind: SessionKind): number => streams.reduce((total, counts) => total + counts[kind], 0);
  const active = SESSION_KINDS.reduce((total, kind) => total + of(kind), 0);
  const [first] = nodes;
  return {
    ...(first as TrackerStats),
    ...{ active, viewers: of('viewer'), inputs: of('input'), outputs: of('output') },
    ...(Object.fromEntries(SUMS.map((field) => [field, sum(field)])) as Pick<TrackerStats, NumberOf>),
    closedByReason: added(nodes.map(({ closedByReason }) => closedByReason)),
    deniedByReason: added(nodes.map(({ deniedByReason }) => deniedByReason)),
    sinks: nodes.flatMap(({ sinks }) => sinks),
    policies: nodes.flatMap(({ policies }) => policies),
    activeBy: nodes.flatMap(({ activeBy }) => activeBy),
  };
}

const SUMS = [
  'openedTotal',
  'resumedTotal',
  'waiting',
  'closedTotal',
  'idleClosedTotal',
  'kickedTotal',
  'deniedTotal',
  'overloadTotal',
  'handoversTotal',
  'droppedEventsTotal',
  'bytesTotal',
  'receivedBytesTotal',
  'watchSecondsTotal',
] as const;
type NumberOf = (typeof SUMS)[number];

/** Merges the streams of all nodes. A live visit counts once; bytes add up. */
export function mergedStreams(
  nodes: readonly StreamSummary[],
  live: ReadonlyMap<string, CountsOfStream>,
): readonly StreamSummary[] {
  const streams = new Map<string, { -readonly [K in keyof StreamSummary]: StreamSummary[K] }>();
  for (const [stream, { viewer: viewers, input: inputs, output: outputs }] of live) {
    if (viewers + inputs + outputs > 0) streams.set(stream, { stream, viewers, dvr: 0, inputs, outputs, bytes: 0 });
  }
  for (const { stream, bytes, dvr } of nodes) {
    const known = streams.get(stream);
    if (known === undefined) continue;
    known.bytes += bytes;
    // the nodes that have seen a viewer all count it: using the maximum does not count it twice if one node has seen everyone
    known.dvr = Math.max(known.dvr, dvr);
  }
  return [...streams.values()].sort((a, b) => (a.stream < b.stream ? -1 : 1));
}
