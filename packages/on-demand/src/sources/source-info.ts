import type { Source, SourceState } from './source.js';

/** One stream's source. Times are in epoch milliseconds. */
export interface SourceInfo {
  readonly stream: string;
  readonly state: SourceState;
  /** Since when it has been in this state. */
  readonly since: number;
  /** The name of its driver. */
  readonly driver: string;
  /** How many sessions are watching it: viewers and outputs. */
  readonly watchers: number;
  /** How many requests are waiting for it. */
  readonly held: number;
  /** When it was last watched or asked for. */
  readonly watchedAt: number;
  /** How many times it has failed in succession. */
  readonly failures: number;
  /** For a failed source: it is not started again before this time. */
  readonly retryAt?: number | undefined;
  /** The reason for its state, if there is more to say. */
  readonly detail?: string | undefined;
}

/** What is shown of a source. */
export const infoOf = (source: Source, watchers: number, held: number): SourceInfo => ({
  stream: source.stream,
  state: source.state,
  since: source.since.wall,
  driver: source.rule.driver.name,
  watchers,
  held,
  watchedAt: source.watchedAt.wall,
  failures: source.failures,
  ...(source.state === 'failed' && { retryAt: source.retryAt.wall }),
  ...(source.detail !== undefined && { detail: source.detail }),
});
