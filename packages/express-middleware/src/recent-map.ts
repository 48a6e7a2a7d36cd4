import { ownCopy } from '@stream-sessions/core/spi';

/** Entries remembered in one generation; there are two. */
const MAX_ENTRIES = 50_000;
/** A generation older than this is the old one. What is asked for moves to the young one. */
const GENERATION_MS = 600_000;

/** A map that forgets what nobody has asked for lately. Bounded, without a timer; its keys hold nothing but themselves. */
export class RecentMap<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();
  private bornAt: number;

  constructor(
    private readonly now: () => number = Date.now,
    private readonly maxEntries = MAX_ENTRIES,
  ) {
    this.bornAt = now();
  }

  get(key: string): V | undefined {
    const found = this.young.get(key);
    if (found !== undefined) return found;
    const older = this.old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, value: V): void {
    // a key that is there stays the copy it is
    this.young.set(this.young.has(key) ? key : ownCopy(key), value);
    if (this.young.size < this.maxEntries && this.now() - this.bornAt < GENERATION_MS) return;
    this.old = this.young;
    this.young = new Map();
    this.bornAt = this.now();
  }

  delete(key: string): void {
    this.young.delete(key);
    this.old.delete(key);
  }
}
