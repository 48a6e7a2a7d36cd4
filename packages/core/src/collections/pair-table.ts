import { randomInt } from 'node:crypto';

/** An item of the table: it knows its own key. */
export interface Placed {
  matches(stream: string, groupKey: string): boolean;
}

const SHARDS = 64;
const FIRST_CAPACITY = 16;

/**
 * Finds items by stream and group: the one look-up of every hit. It is an open hash table rather than nested Maps, because among
 * a million sessions the cost of a look-up is the memory it has to touch. It is sharded, so that growing never stalls; the hash
 * is seeded with a secret, so that nobody can choose streams that collide.
 */
export class PairTable<T extends Placed> {
  private readonly shards: Shard<T>[] = [];
  private readonly secret = randomInt(2 ** 32);

  get(stream: string, groupKey: string): T | undefined {
    const hash = this.hash(stream, groupKey);
    return this.shards[hash & (SHARDS - 1)]?.get(hash, stream, groupKey);
  }

  /** Stores the item, replacing the current one, if any. */
  set(stream: string, groupKey: string, item: T): void {
    const hash = this.hash(stream, groupKey);
    // Filled from the start, because an array with holes is slower to read.
    while (this.shards.length < SHARDS) this.shards.push(new Shard<T>());
    (this.shards[hash & (SHARDS - 1)] as Shard<T>).set(hash, stream, groupKey, item);
  }

  /** Removes this very item, if it is there. */
  delete(stream: string, groupKey: string, item: T): void {
    const hash = this.hash(stream, groupKey);
    this.shards[hash & (SHARDS - 1)]?.delete(hash, stream, groupKey, item);
  }

  private hash(stream: string, groupKey: string): number {
    let hash = this.secret | 0;
    for (let i = 0; i < stream.length; i++) hash = mix(hash, stream.charCodeAt(i));
    hash = mix(hash, stream.length);
    for (let i = 0; i < groupKey.length; i++) hash = mix(hash, groupKey.charCodeAt(i));
    return hash ^ (hash >>> 16);
  }
}

const mix = (hash: number, code: number): number => {
  const mixed = Math.imul(hash ^ code, 0x5bd1e995);
  return mixed ^ (mixed >>> 15);
};

/** One open hash table with linear probing. The hashes are stored beside the items, so most misses end there. */
class Shard<T extends Placed> {
  private hashes = new Int32Array(FIRST_CAPACITY);
  private items = new Array<T | undefined>(FIRST_CAPACITY).fill(undefined);
  private size = 0;

  get(hash: number, stream: string, groupKey: string): T | undefined {
    return this.items[this.slotOf(hash, stream, groupKey)];
  }

  set(hash: number, stream: string, groupKey: string, item: T): void {
    let slot = this.slotOf(hash, stream, groupKey);
    if (this.items[slot] === undefined) {
      // Never more than three quarters full, so that probe sequences stay short.
      if (++this.size * 4 > this.items.length * 3) {
        this.grow();
        slot = this.slotOf(hash, stream, groupKey);
      }
    }
    this.hashes[slot] = hash;
    this.items[slot] = item;
  }

  /** Closes the gap by moving up the items that had been displaced past it, so that no tombstones pile up. */
  delete(hash: number, stream: string, groupKey: string, item: T): void {
    const mask = this.items.length - 1;
    let gap = this.slotOf(hash, stream, groupKey);
    if (this.items[gap] !== item) return;
    this.size--;
    for (let slot = (gap + 1) & mask; this.items[slot] !== undefined; slot = (slot + 1) & mask) {
      const wanted = startOf(this.hashes[slot] as number, mask);
      const mayMove = ((slot - wanted) & mask) >= ((slot - gap) & mask);
      if (!mayMove) continue;
      this.items[gap] = this.items[slot];
      this.hashes[gap] = this.hashes[slot] as number;
      gap = slot;
    }
    this.items[gap] = undefined;
  }

  /** The slot of the item, or the free slot where it would go. */
  private slotOf(hash: number, stream: string, groupKey: string): number {
    const { items, hashes } = this;
    const mask = items.length - 1;
    for (let slot = startOf(hash, mask); ; slot = (slot + 1) & mask) {
      const item = items[slot];
      if (item === undefined || (hashes[slot] === hash && item.matches(stream, groupKey))) return slot;
    }
  }

  private grow(): void {
    const { items, hashes } = this;
    const capacity = items.length * 2;
    this.items = new Array<T | undefined>(capacity).fill(undefined);
    this.hashes = new Int32Array(capacity);
    for (let old = 0; old < items.length; old++) {
      const item = items[old];
      if (item === undefined) continue;
      let slot = startOf(hashes[old] as number, capacity - 1);
      while (this.items[slot] !== undefined) slot = (slot + 1) & (capacity - 1);
      this.items[slot] = item;
      this.hashes[slot] = hashes[old] as number;
    }
  }
}

/** The lowest bits have already chosen the shard. */
const startOf = (hash: number, mask: number): number => (hash >>> 6) & mask;
