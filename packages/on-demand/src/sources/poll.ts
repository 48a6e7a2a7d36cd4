import type { SourcesSettings } from '../options.js';
import { stateNow } from './drivers.js';
import type { Source } from './source.js';

/** Asks the driver for the actual state, and adopts it. An unknown state changes nothing. */
export async function poll(source: Source, settings: SourcesSettings): Promise<void> {
  const { driver } = source.rule;
  if (driver.state === undefined) return;
  const { state: before, since } = source;
  try {
    const state = await stateNow(source.rule, source.target, settings);
    // it has changed meanwhile, so the answer is outdated
    if (source.state !== before || source.since !== since) return;
    if (state === 'stopped' && before === 'running') source.lost();
    if (state === 'running' && before === 'hibernated') source.adopt();
  } catch (error) {
    settings.logger.warn(
      { err: error, stream: source.stream, driver: driver.name },
      'a driver could not say what runs',
    );
  }
}
