import type { SourceState } from './source.js';

/** One stream's source. Times are in epoch milliseconds. */
export interface SourceInfo {
  readonly stream: string;
  readonly state: SourceState;
  /** Since when it is in this state. */
  readonly since: number;
  /** The name of its driver. */
  readonly driver: string;
  /** How many watch it: viewers and outputs. */
  readonly watchers: number;
  /** How many requests wait for it. */
  readonly held: number;
  /** When somebody watched it, or asked for it, last. */
  readonly watchedAt: number;
  /** How often it has failed in succession. */
  readonly failures: number;
  /** Of a failed source: before this it is not started again. */
  readonly retryAt?: number | undefined;
  /** Why it is so, if there is more to say. */
  readonly detail?: string | undefined;
}
