import { randomInt } from 'node:crypto';

const SHARDS = 64;
const FIRST_CAPACITY = 16;
const NONE = -1;

/**
 * Maps texts to numbers without keeping the texts: each is stored as 64 bits of a hash seeded with a secret, outside the heap. A
 * million entries take 40 MB that no garbage collection looks at. A caller that must be certain compares the text with what the
 * number leads to. It is sharded, so that growing never stalls.
 */
export class TextIndex {
  private readonly shards = Array.from({ length: SHARDS }, () => new Shard());
  private readonly secrets = [randomInt(2 ** 32), randomInt(2 ** 32)] as const;
  /** The hash of the last text. */
  private first = 0;
  private second = 0;

  /** @param max Numbers kept per text, plus one that shows that there are more. */
  constructor(private readonly max = 1) {}

  /** Replaces the numbers of this text. */
  set(text: string, value: number): void {
    this.hash(text);
    this.shard.set(this.first, this.second, value);
  }

  add(text: string, value: number): void {
    this.hash(text);
    this.shard.add(this.first, this.second, value, this.max);
  }

  /** The most recent number of this text. */
  get(text: string): number | undefined {
    this.hash(text);
    return this.shard.get(this.first, this.second);
  }

  /** Most recent first. */
  all(text: string): number[] {
    this.hash(text);
    return this.shard.all(this.first, this.second);
  }

  private get shard(): Shard {
    return this.shards[this.second & (SHARDS - 1)] as Shard;
  }

  private hash(text: string): void {
    let [first, second] = this.secrets;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      first = Math.imul(first ^ code, 0x5bd1e995);
      first ^= first >>> 15;
      second = Math.imul(second ^ code, 0x1b873593);
      second ^= second >>> 13;
    }
    this.first = first | 0;
    this.second = second | 0;
  }
}

/** One hash table whose entries are chained by array index. */
class Shard {
  private heads = new Int32Array(FIRST_CAPACITY).fill(NONE);
  private firsts = new Int32Array(FIRST_CAPACITY);
  private seconds = new Int32Array(FIRST_CAPACITY);
  private nexts = new Int32Array(FIRST_CAPACITY);
  private values = new Float64Array(FIRST_CAPACITY);
  private size = 0;

  set(first: number, second: number, value: number): void {
    const known = this.after(NONE, first, second);
    if (known === NONE) this.push(first, second, value);
    else this.values[known] = value;
  }

  add(first: number, second: number, value: number, max: number): void {
    let left = max;
    for (let at = this.after(NONE, first, second); at !== NONE; at = this.after(at, first, second)) {
      if (this.values[at] === value || left-- === 0) return;
    }
    this.push(first, second, value);
  }

  get(first: number, second: number): number | undefined {
    const at = this.after(NONE, first, second);
    return at === NONE ? undefined : this.values[at];
  }

  all(first: number, second: number): number[] {
    const found: number[] = [];
    for (let at = this.after(NONE, first, second); at !== NONE; at = this.after(at, first, second)) {
      found.push(this.values[at] as number);
    }
    return found;
  }

  /** The next entry with this hash after `at`, or the first one. */
  private after(at: number, first: number, second: number): number {
    let next = (at === NONE ? this.heads[this.bucket(first)] : this.nexts[at]) as number;
    while (next !== NONE && (this.firsts[next] !== first || this.seconds[next] !== second)) {
      next = this.nexts[next] as number;
    }
    return next;
  }

  private bucket(first: number): number {
    return first & (this.heads.length - 1);
  }

  private push(first: number, second: number, value: number): void {
    if (this.size === this.values.length) this.grow();
    const at = this.size++;
    this.firsts[at] = first;
    this.seconds[at] = second;
    this.values[at] = value;
    this.link(at);
  }

  private link(at: number): void {
    const bucket = this.bucket(this.firsts[at] as number);
    this.nexts[at] = this.heads[bucket] as number;
    this.heads[bucket] = at;
  }

  private grow(): void {
    const capacity = 2 * this.size;
    this.heads = new Int32Array(capacity).fill(NONE);
    this.firsts = enlarged(this.firsts, new Int32Array(capacity));
    this.seconds = enlarged(this.seconds, new Int32Array(capacity));
    this.values = enlarged(this.values, new Float64Array(capacity));
    this.nexts = new Int32Array(capacity);
    // in their original order, so that the most recent stay first
    for (let at = 0; at < this.size; at++) this.link(at);
  }
}

function enlarged<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
