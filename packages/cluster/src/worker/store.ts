import { LuaError } from '../lua/values.js';
import { NotedMap } from './noted-map.js';

/** An entry of a stream: its id, and fields with their values. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: readonly string[];
}

export interface Stream {
  lastMs: number;
  lastSeq: number;
  entries: StreamEntry[];
}

/** What a key can hold. */
export interface Held {
  text: string;
  hash: Map<string, string>;
  zset: Map<string, number>;
  stream: Stream;
}

type Kind = keyof Held;

/** The fields of a key, or its members with scores. */
export interface FieldsOfKey {
  readonly kind: 'hash' | 'zset';
  readonly map: Map<string, string | number>;
  readonly expiresAt: number;
}

type OnChange = (key: string, field: string) => void;

const EMPTY: { readonly [K in Kind]: () => Held[K] } = {
  text: () => '',
  hash: () => new Map<string, string>(),
  zset: () => new Map<string, number>(),
  stream: () => ({ lastMs: 0, lastSeq: -1, entries: [] }),
};

/** What a key holds, and when it expires; Infinity: never. */
export type Entry = { [K in Kind]: { readonly kind: K; value: Held[K]; expiresAt: number } }[Kind];

/** Keys as in Redis, each with a kind and an expiry. */
export class Store {
  private readonly entries = new Map<string, Entry>();
  private noting: { readonly isNoted: (key: string) => boolean; readonly onChange: OnChange } | undefined;

  /** The time of the current step. */
  now = 0;

  /** The value, if it exists and is of this kind. */
  read<K extends Kind>(key: string, kind: K): Held[K] | undefined {
    const entry = this.living(key);
    if (entry === undefined) return undefined;
    if (entry.kind !== kind) throw new LuaError('WRONGTYPE Operation against a key holding the wrong kind of value');
    return entry.value as Held[K];
  }

  /** The same, created if it does not exist. */
  write<K extends Kind>(key: string, kind: K): Held[K] {
    const found = this.read(key, kind);
    if (found !== undefined) return found;
    const value = (this.noted(key, kind) ?? EMPTY[kind]()) as Held[K];
    this.entries.set(key, { kind, value, expiresAt: Infinity } as Entry);
    return value;
  }

  setText(key: string, text: string, expiresAt: number): void {
    this.entries.set(key, { kind: 'text', value: text, expiresAt });
  }

  has(key: string): boolean {
    return this.living(key) !== undefined;
  }

  delete(key: string): boolean {
    return this.has(key) && this.entries.delete(key);
  }

  /** Redis does not keep empty hashes or sets. */
  deleteIfEmpty(key: string): void {
    const value = this.living(key)?.value;
    if (value instanceof Map && value.size === 0) this.entries.delete(key);
  }

  expireAt(key: string, at: number): boolean {
    const entry = this.living(key);
    if (entry === undefined) return false;
    entry.expiresAt = at;
    return true;
  }

  /** Undefined: no such key. Infinity: it does not expire. */
  expiryOf(key: string): number | undefined {
    return this.living(key)?.expiresAt;
  }

  fieldsOf(key: string): FieldsOfKey | undefined {
    const { kind, value, expiresAt } = this.living(key) ?? {};
    if ((kind !== 'hash' && kind !== 'zset') || expiresAt === undefined) return undefined;
    return { kind, map: value as FieldsOfKey['map'], expiresAt };
  }

  /** From now on, reports which fields are set or deleted, for keys created from now on. */
  onChange(isNoted: (key: string) => boolean, onChange: OnChange): void {
    this.noting = { isNoted, onChange };
  }

  /** Removes expired keys that nobody asks for. */
  sweep(): void {
    for (const key of this.entries.keys()) this.living(key);
  }

  /** What has not expired. */
  *all(): Generator<readonly [key: string, entry: Entry]> {
    for (const key of this.entries.keys()) {
      const entry = this.living(key);
      if (entry !== undefined) yield [key, entry];
    }
  }

  keys(): string[] {
    return [...this.entries.keys()].filter((key) => this.has(key));
  }

  private noted(key: string, kind: Kind): Held[Kind] | undefined {
    const { noting } = this;
    if (noting?.isNoted(key) !== true || (kind !== 'hash' && kind !== 'zset')) return undefined;
    return new NotedMap<never>((field) => noting.onChange(key, field));
  }

  private living(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.expiresAt > this.now) return entry;
    this.entries.delete(key);
    return undefined;
  }
}

/** The result of a command. `true` is the status OK. */
export type Answer = string | number | true | null | readonly Answer[];
export type Command = (store: Store, key: string, args: readonly string[]) => Answer;
