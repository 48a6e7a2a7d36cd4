import { inTime } from '@stream-sessions/core/spi';
import type { DriverState, SourceDriver, SourceTarget } from '../driver.js';
import type { Rule, SourcesSettings } from '../options.js';

type Settings = Pick<SourcesSettings, 'clock' | 'logger'>;

/** Longer than any program takes to end in order. Milliseconds. */
const LONGEST_STOP_MS = 5 * 60_000;
const LONGEST_QUESTION_MS = 60_000;

/** Resolves when the source has stopped. Rejects if it has not, or if the driver never says so. */
export const stopped = ({ driver }: Rule, target: SourceTarget, { clock }: Settings): Promise<void> =>
  settled(() => driver.stop(target), LONGEST_STOP_MS, clock);

/** The actual state of a source. Rejects if the driver does not say. */
export const stateNow = ({ driver }: Rule, target: SourceTarget, { clock }: Settings): Promise<DriverState> =>
  settled(() => driver.state?.(target) ?? 'unknown', LONGEST_QUESTION_MS, clock);

/** The streams whose sources are already running, as far as the driver can tell. Not for a pattern without placeholders. */
export async function leftRunning({ pattern, driver }: Rule, { logger, clock }: Settings): Promise<string[]> {
  try {
    const found = await settled(() => driver.list?.() ?? [], LONGEST_QUESTION_MS, clock);
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

/** The result of a driver, whose promises may never settle: nothing of ours waits for ever for one. */
async function settled<T>(ask: () => T | Promise<T>, ms: number, clock: Settings['clock']): Promise<T> {
  const answer = await inTime((async () => ({ given: await ask() }))(), ms, clock);
  if (answer === undefined) throw new Error(`its driver did not answer within ${ms} ms`);
  return answer.given;
}
