import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TrackerStats } from '@stream-sessions/core';
import { activeSamples } from './active.js';
import { labelText } from './label-text.js';
import type { Sample } from './sample.js';

/** A metric with all its labels, from which every representation is made. */
export interface Family {
  /** Without the suffix that its type adds: `_total`, `_info`. */
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'summary' | 'info';
  /** In OpenMetrics terms; the name ends with it. */
  readonly unit?: 'bytes' | 'seconds';
  readonly help: string;
  readonly read: (stats: TrackerStats) => Sample[];
}

const { version } = JSON.parse(readFileSync(path.join(__dirname, '../package.json'), 'utf8')) as { version: string };

const total =
  (of: (stats: TrackerStats) => number): Family['read'] =>
  (stats) => [{ labels: {}, value: of(stats) }];

const byReason =
  (of: (stats: TrackerStats) => Readonly<Record<string, number>>): Family['read'] =>
  (stats) =>
    summed(Object.entries(of(stats)).map(([reason, value]) => ({ labels: { reason: labelText(reason) }, value })));

/** Merges samples with the same labels, since several sinks may share a name. */
function summed(samples: readonly Sample[]): Sample[] {
  const cells = new Map<string, Sample>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.labels, sample.part]);
    const same = cells.get(key);
    if (same === undefined) cells.set(key, { ...sample });
    else same.value += sample.value;
  }
  return [...cells.values()];
}

const PREFIX = 'stream_sessions';

/** @param streams How many streams have a label of their own; false: no label names a stream. */
export const familiesOf = (streams: number | false): readonly Family[] => [
  {
    name: `${PREFIX}_active`,
    type: 'gauge',
    help: 'Live sessions.',
    read: ({ activeBy }) => activeSamples(activeBy, streams),
  },
  {
    name: `${PREFIX}_opened`,
    type: 'counter',
    help: 'Sessions that were opened.',
    read: total((stats) => stats.openedTotal),
  },
  {
    name: `${PREFIX}_closed`,
    type: 'counter',
    help: 'Sessions that ended, by reason.',
    read: byReason((stats) => stats.closedByReason),
  },
  {
    name: `${PREFIX}_denied`,
    type: 'counter',
    help: 'Clients that were refused, by reason.',
    read: byReason((stats) => stats.deniedByReason),
  },
  {
    name: `${PREFIX}_sent_bytes`,
    type: 'counter',
    unit: 'bytes',
    help: 'Bytes that were sent to all sessions.',
    read: total((stats) => stats.bytesTotal),
  },
  {
    name: `${PREFIX}_received_bytes`,
    type: 'counter',
    unit: 'bytes',
    help: 'Bytes that were received from all sessions.',
    read: total((stats) => stats.receivedBytesTotal),
  },
  {
    name: `${PREFIX}_watch_seconds`,
    type: 'counter',
    unit: 'seconds',
    help: 'Watch time of all sessions, of live ones up to their last activity.',
    read: total((stats) => stats.watchSecondsTotal),
  },
  {
    name: `${PREFIX}_handovers`,
    type: 'counter',
    help: 'Sessions that went on at another node of a cluster.',
    read: total((stats) => stats.handoversTotal),
  },
  {
    name: `${PREFIX}_sink_queue_length`,
    type: 'gauge',
    help: 'Events that wait for a sink.',
    read: ({ sinks }) =>
      summed(sinks.map(({ name, queued }) => ({ labels: { sink: labelText(name) }, value: queued }))),
  },
  {
    name: `${PREFIX}_sink_dropped`,
    type: 'counter',
    help: 'Events that a sink did not get.',
    read: ({ sinks }) =>
      summed(sinks.map(({ name, dropped }) => ({ labels: { sink: labelText(name) }, value: dropped }))),
  },
  {
    name: `${PREFIX}_policy_seconds`,
    type: 'summary',
    unit: 'seconds',
    help: 'How long a policy takes to answer, waiting included.',
    read: ({ policies }) =>
      summed(
        policies.flatMap(({ name, asked, seconds }) => [
          { labels: { policy: labelText(name) }, value: seconds, part: 'sum' },
          { labels: { policy: labelText(name) }, value: asked, part: 'count' },
        ]),
      ),
  },
  {
    name: `${PREFIX}_build`,
    type: 'info',
    help: 'The version of stream-sessions.',
    read: () => [{ labels: { version }, value: 1 }],
  },
];
