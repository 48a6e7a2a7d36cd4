import type { SessionDirectory, TrackerStats } from '@stream-sessions/core';
import { needDirectory } from '@stream-sessions/core/spi';
import { familiesOf, type Family } from './families.js';
import { checkedStreams, type MetricsOptions } from './options.js';
import { sharedAnswer } from './shared-answer.js';
import { sampleName } from './text.js';

/** The part of `Registry` of `prom-client` 15 that is used here. */
export interface PromClientRegistry {
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
}

/**
 * Adds the metrics of a directory to a registry of `prom-client`. They are read when the registry is, so nothing is stale.
 *
 * @returns the function that removes them
 * @throws StreamSessionsError ERR_BAD_OPTION; Error of `prom-client` if one of the names is taken; then none is registered
 * @example registerPromClient(register, tracker);
 */
export function registerPromClient(
  registry: PromClientRegistry,
  directory: SessionDirectory,
  options: MetricsOptions = {},
): () => void {
  needDirectory('registerPromClient(): the second argument', directory);
  const stats = sharedAnswer(() => directory.stats());
  const families = familiesOf(checkedStreams('registerPromClient()', options));
  const metrics = families.map((family) => new ReadMetric(family, stats));
  const added: string[] = [];
  // once: another registration may have these names by then
  const remove = (): void => added.splice(0).forEach((name) => registry.removeSingleMetric(name));
  try {
    for (const metric of metrics) {
      registry.registerMetric(metric as never);
      added.push(metric.name);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

/**
 * A metric as a registry sees it: prom-client's own classes keep what was set, including the labels of streams that have ended.
 */
class ReadMetric {
  /** The registry removes `_total` for OpenMetrics. */
  name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'summary';
  readonly aggregator = 'sum';

  constructor(
    private readonly family: Family,
    private readonly stats: () => Promise<TrackerStats>,
  ) {
    this.name = sampleName(family);
    this.help = family.help;
    this.type = family.type === 'info' ? 'gauge' : family.type;
  }

  async get() {
    const { name, help, type, aggregator, family } = this;
    const values = family.read(await this.stats()).map(({ labels, value, part }) => ({
      labels,
      value,
      ...(part === undefined ? {} : { metricName: sampleName(family, part) }),
    }));
    return { name, help, type, aggregator, values };
  }

  /** Does nothing: the tracker counts, and its counters cannot be reset. */
  reset(): void {}
}
