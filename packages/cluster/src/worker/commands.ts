import { LuaError, textOf } from '../lua/values.js';
import { STREAM_COMMANDS } from './stream-commands.js';
import type { Answer, Command, Store } from './store.js';
import { ZSET_COMMANDS } from './zset-commands.js';

export function integer(text: string | undefined): number {
  const value = Number(text);
  if (text !== undefined && text !== '' && Number.isInteger(value)) return value;
  throw new LuaError('ERR value is not an integer or out of range');
}

const GENERAL: Readonly<Record<string, Command>> = {
  TIME: ({ now }) => [String(Math.floor(now / 1000)), String(Math.floor((now % 1000) * 1000))],
  DEL: (store, key, more) => [key, ...more].filter((each) => store.delete(each)).length,
  EXISTS: (store, key, more) => [key, ...more].filter((each) => store.has(each)).length,
  PEXPIRE: (store, key, [ms]) => Number(store.expireAt(key, store.now + integer(ms))),
  PEXPIREAT: (store, key, [at]) => Number(store.expireAt(key, integer(at))),
  PTTL: (store, key) => {
    const at = store.expiryOf(key);
    if (at === undefined) return -2;
    return at === Infinity ? -1 : Math.round(at - store.now);
  },
};

const TEXTS: Readonly<Record<string, Command>> = {
  GET: (store, key) => store.read(key, 'text') ?? null,
  MGET: (store, key, more) => [key, ...more].map((each) => store.read(each, 'text') ?? null),
  SET: (store, key, [text = '', ...options]) => {
    if (options.includes('NX') && store.has(key)) return null;
    if (options.includes('XX') && !store.has(key)) return null;
    const px = options.indexOf('PX');
    store.setText(key, text, px < 0 ? Infinity : store.now + integer(options[px + 1]));
    return true;
  },
  INCR: (store, key) => added(store, key, 1),
  INCRBY: (store, key, [by]) => added(store, key, integer(by)),
};

const HASHES: Readonly<Record<string, Command>> = {
  HGET: (store, key, [field = '']) => store.read(key, 'hash')?.get(field) ?? null,
  HMGET: (store, key, fields) => fields.map((field) => store.read(key, 'hash')?.get(field) ?? null),
  HEXISTS: (store, key, [field = '']) => Number(store.read(key, 'hash')?.has(field) ?? false),
  HLEN: (store, key) => store.read(key, 'hash')?.size ?? 0,
  HVALS: (store, key) => [...(store.read(key, 'hash')?.values() ?? [])],
  /** Everything at once: nobody would be held up for long. */
  HSCAN: (store, key) => ['0', [...(store.read(key, 'hash') ?? [])].flat()],
  HGETALL: (store, key) => [...(store.read(key, 'hash') ?? [])].flat(),
  HSET: (store, key, pairs) => {
    const hash = store.write(key, 'hash');
    const before = hash.size;
    for (let i = 0; i + 1 < pairs.length; i += 2) hash.set(pairs[i] as string, pairs[i + 1] as string);
    return hash.size - before;
  },
  HSETNX: (store, key, [field = '', value = '']) => {
    if (store.read(key, 'hash')?.has(field)) return 0;
    store.write(key, 'hash').set(field, value);
    return 1;
  },
  HDEL: (store, key, fields) => {
    const removed = fields.filter((field) => store.read(key, 'hash')?.delete(field)).length;
    store.deleteIfEmpty(key);
    return removed;
  },
  HINCRBY: (store, key, [field = '', by]) => {
    const hash = store.write(key, 'hash');
    const sum = integer(hash.get(field) ?? '0') + integer(by);
    hash.set(field, String(sum));
    return sum;
  },
};

function added(store: Store, key: string, by: number): number {
  const sum = integer(store.read(key, 'text') ?? '0') + by;
  store.setText(key, String(sum), store.expiryOf(key) ?? Infinity);
  return sum;
}

const COMMANDS = new Map(Object.entries({ ...GENERAL, ...TEXTS, ...HASHES, ...ZSET_COMMANDS, ...STREAM_COMMANDS }));

/** The Redis commands that the steps of this package use. */
export function command(store: Store, name: string, given: readonly (string | number)[]): Answer {
  const work = COMMANDS.get(name.toUpperCase());
  if (work === undefined) throw new LuaError(`ERR unknown command '${name}'`);
  const [key = '', ...args] = given.map((arg) =>
    typeof arg === 'string' ? arg : Number.isInteger(arg) ? String(arg) : textOf(arg),
  );
  if (given.length === 0 && name.toUpperCase() !== 'TIME')
    throw new LuaError(`ERR wrong number of arguments for '${name}'`);
  return work(store, key, args);
}
