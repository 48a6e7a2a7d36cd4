const SPLIT_AT = 16_384;
const SHARDS = 64;

/**
 * A Map that grows without a stall: a JS Map of a million entries stops the event loop for tens of milliseconds when it rehashes.
 * A small map is a single Map; a large one is split once into many, each of which rehashes on its own.
 */
export class ShardedMap<V> {
  private whole: Map<string, V> | undefined = new Map<string, V>();
  private shards: Map<string, V>[] = [];

  get(key: string): V | undefined {
    return (this.whole ?? this.shardOf(key)).get(key);
  }

  set(key: string, value: V): void {
    this.roomFor(key).set(key, value);
  }

  /** The value that is there. If there is none, this one is set. */
  getOrSet(key: string, value: V): V | undefined {
    const map = this.roomFor(key);
    const known = map.get(key);
    if (known === undefined) map.set(key, value);
    return known;
  }

  delete(key: string): boolean {
    return (this.whole ?? this.shardOf(key)).delete(key);
  }

  /** Removes the entry if it has this value. */
  deleteOnly(key: string, value: V): boolean {
    const map = this.whole ?? this.shardOf(key);
    return map.get(key) === value && map.delete(key);
  }

  *values(): IterableIterator<V> {
    if (this.whole !== undefined) yield* this.whole.values();
    for (const shard of this.shards) yield* shard.values();
  }

  private roomFor(key: string): Map<string, V> {
    if (this.whole !== undefined && this.whole.size >= SPLIT_AT) this.split(this.whole);
    return this.whole ?? this.shardOf(key);
  }

  private split(whole: Map<string, V>): void {
    this.whole = undefined;
    this.shards = Array.from({ length: SHARDS }, () => new Map<string, V>());
    for (const [key, value] of whole) this.shardOf(key).set(key, value);
  }

  private shardOf(key: string): Map<string, V> {
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
    return this.shards[(hash ^ (hash >>> 15)) & (SHARDS - 1)] as Map<string, V>;
  }
}
