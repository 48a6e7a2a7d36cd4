import { ownCopy } from '../support/strings.js';

/** How much a `RecentMap` remembers. */
export interface RecentMapOptions {
  /** Entries per generation; there are two generations. */
  readonly max: number;
  /** A generation ends after this long, at the next `set`. Milliseconds; default: only when it is full. */
  readonly generationMs?: number | undefined;
  /** Epoch milliseconds. Default `Date.now`; called only if `generationMs` is given. */
  readonly now?: (() => number) | undefined;
}

/**
 * A map that forgets entries nobody has asked for lately. It has two generations: an entry found in the old one moves to the
 * young one, and the old one is dropped when the young one is full. It is bounded and needs neither a timer nor an ordered list;
 * its keys are copies, so that they keep no request in memory.
 */
export class RecentMap<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();
  private bornAt = 0;
  private readonly max: number;
  private readonly generationMs: number;
  private readonly now: () => number;

  constructor({ max, generationMs = Infinity, now = Date.now }: RecentMapOptions) {
    this.max = max;
    this.generationMs = generationMs;
    this.now = generationMs === Infinity ? () => 0 : now;
    this.bornAt = this.now();
  }

  get(key: string): V | undefined {
    const found = this.young.get(key);
    if (found !== undefined) return found;
    const older = this.old.get(key);
    return older === undefined ? undefined : this.set(key, older);
  }

  /** Returns the value. */
  set(key: string, value: V): V {
    // a key that is already present keeps its existing copy
    this.young.set(this.young.has(key) ? key : ownCopy(key), value);
    if (this.young.size >= this.max || this.now() - this.bornAt >= this.generationMs) {
      this.old = this.young;
      this.young = new Map();
      this.bornAt = this.now();
    }
    return value;
  }

  delete(key: string): void {
    this.young.delete(key);
    this.old.delete(key);
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
  }
}
