import type { HistoryOptions } from '../options.js';
import type { SqlEngine } from '../types/engine.js';
import type { History } from '../types/history.js';
import type { MadeUpDirectory, setClock } from './stage.js';

/** What a case works with. */
export interface World {
  readonly engine: SqlEngine;
  readonly history: History;
  readonly directory: MadeUpDirectory;
  readonly clock: ReturnType<typeof setClock>;
  /** Another writer to the same database. */
  readonly another: (options?: HistoryOptions) => Promise<{ history: History; directory: MadeUpDirectory }>;
}
