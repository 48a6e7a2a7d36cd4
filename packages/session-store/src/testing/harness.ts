import type { Storage } from '../storage/storage.js';

/** A case that a storage cannot run. */
export interface SkippedCase {
  /** The name of the case, as the suite prints it. */
  case: string;
  /** Printed beside it. */
  reason: string;
}

/** A storage with nothing in it, and what the suite may do with it. */
export interface RunningStorage {
  storage: Storage;
  /** The same sessions as another node sees them. Default: the storage itself. */
  other?: Storage;
  /** Lets so many milliseconds pass, by the clock that the storage goes by: a fake one is moved, a real one is waited for. */
  elapse(ms: number): unknown;
  /** Now, by that clock; default the wall clock. Epoch milliseconds. */
  now?(): number;
  /** Makes the storage unreachable, until `recover`. Absent: it cannot be. The case about it has to be skipped then. */
  breakDown?(): unknown;
  recover?(): unknown;
  /** Ends whatever was started. The storages are closed by then. */
  stop?(): unknown;
}

/** What a storage brings to run `storageContract`. */
export interface StorageHarness {
  /** Names the suite. */
  name: string;
  /** A fresh storage, made without a TTL of its own. */
  start(): RunningStorage | Promise<RunningStorage>;
  /** Cases that this storage cannot run, each with its reason. Default: none. */
  skip?: readonly SkippedCase[];
  /**
   * The TTL that the cases about time use, in milliseconds; default 1,000. A storage on the wall clock is tested faster with a
   * shorter one, as long as it keeps to a twentieth of it.
   */
  ttlMs?: number;
}
