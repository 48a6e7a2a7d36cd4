import type { Storage } from '../storage/storage.js';

/** A case that a storage cannot run. */
export interface SkippedCase {
  /** The name of the case, as the suite prints it. */
  case: string;
  /** Printed beside it. */
  reason: string;
}

/** An empty storage, and what the suite may do with it. */
export interface RunningStorage {
  storage: Storage;
  /** The same sessions as seen by another node. Default: the storage itself. */
  other?: Storage;
  /** Lets this many milliseconds pass on the storage's clock: a fake one is advanced, a real one is waited for. */
  elapse(ms: number): unknown;
  /** The current time on that clock; default the wall clock. Epoch milliseconds. */
  now?(): number;
  /** Makes the storage unreachable until `recover`. Absent: impossible; the case about it then has to be skipped. */
  breakDown?(): unknown;
  recover?(): unknown;
  /** Stops everything that was started. The storages have been closed by then. */
  stop?(): unknown;
}

/** What a storage provides to run `storageContract`. */
export interface StorageHarness {
  /** Names the suite. */
  name: string;
  /** A fresh storage, created without a TTL of its own. */
  start(): RunningStorage | Promise<RunningStorage>;
  /** Cases that this storage cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
  /**
   * The TTL used in the cases about time, in milliseconds; default 1,000. A storage on the wall clock is tested faster with a
   * shorter one, as long as it is accurate to a twentieth of it.
   */
  ttlMs?: number;
}
