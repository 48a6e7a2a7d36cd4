import type { SourceDriver } from '../driver.js';
import type { Rule, SourcesSettings } from '../options.js';

/** The streams whose sources are already running, as far as the driver can tell. Not for a pattern without placeholders. */
export async function leftRunning({ pattern, driver }: Rule, logger: SourcesSettings['logger']): Promise<string[]> {
  try {
    const found = (await driver.list?.()) ?? [];
    const streams = found.map((values) => pattern.streamOf(values));
    return streams.filter((stream) => stream !== undefined && pattern.match(stream) !== undefined) as string[];
  } catch (error) {
    logger.warn({ err: error, driver: driver.name }, 'a driver could not say what runs');
    return [];
  }
}

/** Ends what must not outlast this process or its lease. */
export async function closeDrivers(rules: readonly Rule[]): Promise<void> {
  const drivers = new Set<SourceDriver>(rules.map(({ driver }) => driver));
  await Promise.all([...drivers].map(async (driver) => driver.close?.()));
}
