import type { SessionKind, TrackerStats } from '@stream-sessions/core';

interface Live {
  readonly kind: SessionKind;
  readonly stream: string;
  readonly active: number;
}

type Counts = Readonly<Record<string, number>>;

function added(counts: readonly Counts[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const each of counts) for (const [key, n] of Object.entries(each)) sums[key] = (sums[key] ?? 0) + n;
  return sums;
}

/**
 * The counters of all nodes as one. Who is live is counted once, whatever nodes it was seen at; what has opened and closed is
 * counted by part, as the trackers count it.
 */
export function mergedStats(nodes: readonly TrackerStats[], live: readonly Live[]): TrackerStats {
  const sum = (field: NumberOf): number => nodes.reduce((total, stats) => total + stats[field], 0);
  const of = (kind?: SessionKind): number =>
    live.reduce((total, each) => total + (kind === undefined || each.kind === kind ? each.active : 0), 0);
  const [first] = nodes;
  return {
    ...(first as TrackerStats),
    ...{ active: of(), viewers: of('viewer'), inputs: of('input'), outputs: of('output') },
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
  'droppedEventsTotal',
  'bytesTotal',
  'receivedBytesTotal',
  'watchSecondsTotal',
] as const;
type NumberOf = (typeof SUMS)[number];
