import type { Policy, SessionTracker, SourceGate } from '@stream-sessions/core';
import { needTracker } from '@stream-sessions/core/spi';
import { settingsOf, type SourcesOptions } from './options.js';
import { resourcePolicy } from './policy.js';
import type { SourceInfo } from './sources/source-info.js';
import type { SourceState } from './sources/source.js';
import { SourceManager } from './sources/manager.js';

/** The sources of streams, which run while somebody is watching. */
export interface Sources {
  /** For adapters: `trackPlayback(tracker, { ready: sources.ready })`, `createRtspServer({ tracker, ready: sources.ready })`. */
  readonly ready: SourceGate;
  /**
   * For `policies`, optionally: refuses at once, as `overload`, viewers who would wait in vain because the source has just failed
   * or no place is left. It is of the stage `resource`, so it is asked after all others have approved.
   */
  readonly policy: Policy;
  /** Whether this process decides about the sources: always, unless another process holds the `lease`. */
  readonly decides: boolean;
  /** Undefined: no source is started for this stream. */
  state(stream: string): SourceState | undefined;
  /**
   * Starts a source as a viewer would: it sleeps again if nobody comes. Resolves with whether it is running; if another process
   * decides, within `holdMs`.
   *
   * @throws StreamSessionsError ERR_NO_SOURCE; ERR_TOO_MANY_SOURCES
   */
  wake(stream: string): Promise<boolean>;
  /**
   * Stops a source now. Viewers who are still watching wake it again. Resolves when it has stopped.
   *
   * @throws StreamSessionsError ERR_NO_SOURCE; ERR_TOO_MANY_SOURCES; ERR_LEASE_NOT_HELD if another process decides
   */
  hibernate(stream: string): Promise<void>;
  /** All sources that are or were recently running, and those of patterns without placeholders. */
  list(): SourceInfo[];
  /**
   * Detaches from the tracker, releases every waiting request, and closes the drivers: processes end, sources that run elsewhere
   * keep running.
   */
  close(): Promise<void>;
}

/**
 * Starts the source of a stream with its first viewer, and stops it when nobody has watched for a while.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example const sources = createSources(tracker, { sources: [{ pattern: 'cam-{id}', driver: processDriver({ command: ['ffmpeg',
 *   …] }), playlist: 'media/cam-{id}/index.m3u8' }], }); app.use('/live', trackPlayback(tracker, { ready: sources.ready }),
 *   express.static('media'));
 */
export function createSources(tracker: SessionTracker, options: SourcesOptions): Sources {
  needTracker('createSources: the first argument', tracker);
  const manager = new SourceManager(tracker, settingsOf(options));
  return {
    ready: Object.assign((stream: string) => manager.ready(stream), {
      manages: (stream: string) => manager.manages(stream),
    }),
    policy: resourcePolicy(manager),
    get decides() {
      return manager.decides;
    },
    state: (stream) => manager.state(stream),
    wake: (stream) => manager.wake(stream),
    hibernate: (stream) => manager.hibernate(stream),
    list: () => manager.list(),
    close: () => manager.close(),
  };
}
