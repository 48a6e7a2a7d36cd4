import type { StateStore } from '../../types/state.js';
import type { SkippedCase } from '../suite.js';

/** One place where state is kept, and stores for it, one after the other. */
export interface RunningStateStore {
  /** A store for this place, as the next process would make it. The one before was closed, or has crashed. */
  open(): StateStore | Promise<StateStore>;
  /** The process of the store that was opened last has died: nothing more comes of it. Default: nothing has to be done. */
  crash?(): unknown;
  /** Ends whatever was started. */
  stop?(): unknown;
}

/** What a state store brings to run `stateStoreContract`. */
export interface StateStoreHarness {
  /** Names the suite. */
  name: string;
  /** A fresh place, where nothing is kept. */
  start(): RunningStateStore | Promise<RunningStateStore>;
  /** Cases that this store cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
