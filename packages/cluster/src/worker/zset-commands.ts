import { LuaError } from '../lua/values.js';
import type { Command, Store } from './store.js';

const FLAGS = new Set('NX XX GT LT CH'.split(' '));

type Scored = readonly [member: string, score: number];

/** In Redis's order: by score, then by bytes. */
const inOrder = (store: Store, key: string): Scored[] =>
  [...(store.read(key, 'zset') ?? [])].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));

export const scoreText = (score: number): string => {
  if (score === Infinity) return 'inf';
  return score === -Infinity ? '-inf' : String(score);
};

function bound(text = ''): { readonly value: number; readonly isOpen: boolean } {
  const isOpen = text.startsWith('(');
  const plain = (isOpen ? text.slice(1) : text).replace(/^\+?inf$/, 'Infinity').replace(/^-inf$/, '-Infinity');
  const value = Number(plain);
  if (plain === '' || Number.isNaN(value)) throw new LuaError('ERR min or max is not a float');
  return { value, isOpen };
}

function between(store: Store, key: string, min?: string, max?: string): Scored[] {
  const [from, to] = [bound(min), bound(max)];
  return inOrder(store, key).filter(
    ([, score]) =>
      (from.isOpen ? score > from.value : score >= from.value) && (to.isOpen ? score < to.value : score <= to.value),
  );
}

const shown = (found: readonly Scored[], options: readonly string[]): string[] =>
  options.includes('WITHSCORES')
    ? found.flatMap(([member, score]) => [member, scoreText(score)])
    : found.map(([member]) => member);

function removeAll(store: Store, key: string, members: readonly string[]): number {
  const removed = members.filter((member) => store.read(key, 'zset')?.delete(member)).length;
  store.deleteIfEmpty(key);
  return removed;
}

export const ZSET_COMMANDS: Readonly<Record<string, Command>> = {
  ZADD: (store, key, args) => {
    const flags = args.filter((arg) => FLAGS.has(arg));
    const pairs = args.slice(flags.length);
    const set = store.write(key, 'zset');
    let [added, changed] = [0, 0];
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const { value } = bound(pairs[i]);
      const member = pairs[i + 1] as string;
      const before = set.get(member);
      if (before === undefined ? flags.includes('XX') : flags.includes('NX')) continue;
      if (before !== undefined && flags.includes('GT') && value <= before) continue;
      if (before !== undefined && flags.includes('LT') && value >= before) continue;
      set.set(member, value);
      if (before === undefined) added++;
      else if (before !== value) changed++;
    }
    store.deleteIfEmpty(key);
    return flags.includes('CH') ? added + changed : added;
  },
  ZSCORE: (store, key, [member = '']) => {
    const score = store.read(key, 'zset')?.get(member);
    return score === undefined ? null : scoreText(score);
  },
  ZCARD: (store, key) => store.read(key, 'zset')?.size ?? 0,
  ZCOUNT: (store, key, [min, max]) => between(store, key, min, max).length,
  ZINCRBY: (store, key, [by, member = '']) => {
    const set = store.write(key, 'zset');
    const score = (set.get(member) ?? 0) + bound(by).value;
    set.set(member, score);
    return scoreText(score);
  },
  ZRANGE: (store, key, [from = '0', to = '-1', ...options]) => {
    const end = Number(to) === -1 ? undefined : Number(to) + 1;
    return shown(inOrder(store, key).slice(Number(from), end), options);
  },
  ZRANGEBYSCORE: (store, key, [min, max, ...options]) => {
    const found = between(store, key, min, max);
    const limit = options.indexOf('LIMIT');
    if (limit < 0) return shown(found, options);
    const [skip, count] = [Number(options[limit + 1]), Number(options[limit + 2])];
    return shown(found.slice(skip, count < 0 ? undefined : skip + count), options);
  },
  ZREM: (store, key, members) => removeAll(store, key, members),
  ZREMRANGEBYSCORE: (store, key, [min, max]) =>
    removeAll(
      store,
      key,
      between(store, key, min, max).map(([member]) => member),
    ),
};
