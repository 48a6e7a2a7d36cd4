import type { SessionDirectory } from '@stream-sessions/core';
import { needDirectory } from '@stream-sessions/core/spi';
import { OTHER } from './active.js';
import { familiesOf, type Family } from './families.js';
import { checkedStreams, type MetricsOptions } from './options.js';
import type { Sample } from './sample.js';

/** The part of `Meter` of `@opentelemetry/api` that is used here; `Instrument` is what it creates. */
export interface OpenTelemetryMeter<Instrument = unknown> {
  createObservableCounter(name: string, options: { description: string; unit?: string }): Instrument;
  createObservableUpDownCounter(name: string, options: { description: string; unit?: string }): Instrument;
  addBatchObservableCallback(callback: BatchCallback<Instrument>, instruments: Instrument[]): void;
  removeBatchObservableCallback(callback: BatchCallback<Instrument>, instruments: Instrument[]): void;
}

interface BatchResult<Instrument> {
  observe(instrument: Instrument, value: number, attributes: Record<string, string>): void;
}

type BatchCallback<Instrument> = (result: BatchResult<Instrument>) => Promise<void>;

const UNITS = { bytes: 'By', seconds: 's' } as const;

/** An SDK keeps every set of labels it has seen, 2,000 at most by default: the rest is `other`. */
const MAX_KEPT = 1_000;

/**
 * Adds the metrics of a directory to a meter of OpenTelemetry, as observable instruments: `stream_sessions.active`,
 * `stream_sessions.opened` and so on; a policy's seconds are `stream_sessions.policy_seconds` and `stream_sessions.policy_calls`.
 * A stream that ended is reported as 0, because SDKs repeat the last value.
 *
 * @returns a function that removes them
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example registerOpenTelemetry(metrics.getMeter('my-app'), tracker);
 */
export function registerOpenTelemetry<Instrument>(
  meter: OpenTelemetryMeter<Instrument>,
  directory: SessionDirectory,
  options: MetricsOptions = {},
): () => void {
  needDirectory('registerOpenTelemetry(): the second argument', directory);
  const families = familiesOf(checkedStreams('registerOpenTelemetry()', options));
  const observed = families.flatMap((family) => instrumentsOf(meter, family));
  const instruments = observed.map(({ instrument }) => instrument);
  const observe: BatchCallback<Instrument> = async (result) => {
    const stats = await directory.stats();
    for (const { instrument, family, part, kept } of observed) {
      const samples = family.read(stats).filter((sample) => sample.part === part);
      for (const { labels, value } of kept === undefined ? samples : withEnded(samples, kept)) {
        result.observe(instrument, value, { ...labels });
      }
    }
  };
  meter.addBatchObservableCallback(observe, instruments);
  return () => meter.removeBatchObservableCallback(observe, instruments);
}

/** The sets of labels that were reported to an SDK. */
type Kept = Map<string, Sample['labels']>;

interface Observed<Instrument> {
  readonly instrument: Instrument;
  readonly family: Family;
  readonly part?: Sample['part'];
  readonly kept?: Kept;
}

function instrumentsOf<I>(meter: OpenTelemetryMeter<I>, family: Family): Observed<I>[] {
  const { type, unit, help: description } = family;
  const name = family.name.replace('stream_sessions_', 'stream_sessions.');
  const described = unit === undefined ? { description } : { description, unit: UNITS[unit] };
  if (type === 'gauge') {
    return [{ instrument: meter.createObservableUpDownCounter(name, described), family, kept: new Map() }];
  }
  if (type === 'counter') return [{ instrument: meter.createObservableCounter(name, described), family }];
  if (type === 'info') return [{ instrument: meter.createObservableUpDownCounter(`${name}_info`, described), family }];
  const calls = { description: 'How often a policy was asked.' };
  return [
    { instrument: meter.createObservableCounter(name, described), family, part: 'sum' },
    { instrument: meter.createObservableCounter('stream_sessions.policy_calls', calls), family, part: 'count' },
  ];
}

/** Adds a 0 for what was reported before, without exceeding the number of label sets that an SDK keeps. */
function withEnded(samples: readonly Sample[], kept: Kept): Iterable<Sample> {
  const now = new Map<string, Sample>([...kept].map(([key, labels]) => [key, { labels, value: 0 }]));
  for (const sample of samples) {
    const labels = keptLabels(sample.labels, kept);
    const key = JSON.stringify(labels);
    const known = now.get(key);
    if (known !== undefined) known.value += sample.value;
    else now.set(key, { labels, value: sample.value });
    kept.set(key, labels);
  }
  return now.values();
}

function keptLabels(labels: Sample['labels'], kept: Kept): Sample['labels'] {
  if (labels['stream'] === undefined || kept.size < MAX_KEPT || kept.has(JSON.stringify(labels))) return labels;
  return { ...labels, stream: OTHER };
}
