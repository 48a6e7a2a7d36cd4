import type { StateStore } from '../../types/state.js';
import type { SkippedCase } from '../suite.js';

/** A place where state is stored, and the stores that use it one after the other. */
export interface RunningStateStore {
  /** Opens a store for this place, as the next process would. The previous one was closed, or has crashed. */
  open(): StateStore | Promise<StateStore>;
  /** The process that opened the last store has died: it writes nothing more. Default: nothing needs to be done. */
  crash?(): unknown;
  /** Stops everything that was started. */
  stop?(): unknown;
}

/** What a state store provides to run `stateStoreContract`. */
export interface StateStoreHarness {
  /** Names the suite. */
  name: string;
  /** A fresh place, where nothing is stored. */
  start(): RunningStateStore | Promise<RunningStateStore>;
  /** Cases that this store cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
}
