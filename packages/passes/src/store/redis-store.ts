import { createHash, randomUUID } from 'node:crypto';
import { badOption, checkOptions, redisSender, type RedisClient, type RedisSend } from '@stream-sessions/core/spi';
import { applyChange, applySpending } from '../rules/spending.js';
import type { Pass, PassChange, PassStore, Spending } from '../types/store.js';

/** Options of `redisPassStore`. */
export interface RedisPassStoreOptions {
  /** Begins the names of all keys. Default `passes:`. */
  prefix?: string | undefined;
}

/** Adds a text, unless there is one. Returns what is there then. */
const ADD = `
local known = redis.call('GET', KEYS[1])
if known then return known end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]`;

/** Replaces a text, unless it has changed. Returns what is there then. */
const REPLACE = `
local known = redis.call('GET', KEYS[1])
if known ~= ARGV[1] then return known end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]`;

/**
 * Passes in Redis or Valkey, for any number of processes: each step is a compare-and-set of one key. They are kept until you
 * delete them, so Redis has to keep them as well (`appendonly yes`, and no eviction of keys without an expiry). Owners are
 * there in clear.
 *
 * @param client a connected client of the npm packages `redis` or `ioredis`, or `{ send }`; it stays yours to close
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function redisPassStore(client: RedisClient, options: RedisPassStoreOptions = {}): PassStore {
  checkOptions('redisPassStore()', options, ['prefix']);
  const { prefix = 'passes:' } = options;
  if (typeof prefix !== 'string') throw badOption('prefix', 'a text', prefix);
  return new RedisPassStore(redisSender(client), prefix);
}

class RedisPassStore implements PassStore {
  /** By pass: what is asked of one is done in that order, for a later spending of a writer counts no earlier one. */
  private readonly running = new Map<string, Promise<unknown>>();

  constructor(
    private readonly send: RedisSend,
    private readonly prefix: string,
  ) {}

  async add(pass: Pass): Promise<Pass> {
    // First, or a crash in between would leave a pass that no list has.
    const owner = this.ownerKey(pass.owner);
    await this.send(owner, ['SADD', owner, pass.id]);
    return readPass((await this.run(ADD, this.passKey(pass.id), textOf(pass))) as string);
  }

  async get(id: string): Promise<Pass | undefined> {
    const text = await this.read(id);
    return text === undefined ? undefined : readPass(text);
  }

  async list(owner: string): Promise<readonly Pass[]> {
    const key = this.ownerKey(owner);
    const ids = (await this.send(key, ['SMEMBERS', key])) as Iterable<string>;
    const passes = await Promise.all(Array.from(ids, async (id) => this.get(id)));
    return passes.filter((pass) => pass?.owner === owner) as Pass[];
  }

  spend(id: string, spending: Spending): Promise<Pass | undefined> {
    return this.replace(id, (pass) => applySpending(pass, spending));
  }

  change(id: string, change: PassChange): Promise<Pass | undefined> {
    const keyed = withKey(change);
    return this.replace(id, (pass) => applyChange(pass, keyed));
  }

  private replace(id: string, next: (pass: Pass) => Pass): Promise<Pass | undefined> {
    const replaced = (this.running.get(id) ?? Promise.resolve()).then(() => this.tries(id, next));
    const over = replaced
      .catch(() => undefined)
      .finally(() => {
        if (this.running.get(id) === over) this.running.delete(id);
      });
    this.running.set(id, over);
    return replaced;
  }

  private async tries(id: string, next: (pass: Pass) => Pass): Promise<Pass | undefined> {
    let known = await this.read(id);
    // Of all who try at the same time, one gets through each time.
    while (known !== undefined) {
      const before = readPass(known);
      const after = next(before);
      if (after === before) return before;
      const text = textOf(after);
      const found = await this.run(REPLACE, this.passKey(id), known, text);
      if (found === text) return after;
      known = found ?? undefined;
    }
    return undefined;
  }

  private async read(id: string): Promise<string | undefined> {
    const key = this.passKey(id);
    return ((await this.send(key, ['GET', key])) as string | null) ?? undefined;
  }

  private run(lua: string, key: string, ...args: string[]): Promise<string | null> {
    return this.send(key, ['EVAL', lua, '1', key, ...args]) as Promise<string | null>;
  }

  private passKey(id: string): string {
    return `${this.prefix}pass:${id}`;
  }

  /** An owner may be a long token. */
  private ownerKey(owner: string): string {
    return `${this.prefix}owner:${createHash('sha256').update(owner).digest('base64url')}`;
  }
}

/**
 * A command that was sent twice must not count twice, whatever others have changed in between: what adds something gets a key, if
 * the caller gave none.
 */
function withKey(change: PassChange): PassChange {
  const { once, addSecs = 0, addMb = 0, addDays = 0 } = change;
  const mayRepeat = once !== undefined || (addSecs === 0 && addMb === 0 && addDays === 0);
  return mayRepeat ? change : { ...change, once: { key: randomUUID(), terms: '' } };
}

/** Unlike all other texts, whatever it says: so it is known whether it was written, also by a command that was sent twice. */
const textOf = (pass: Pass): string => `${randomUUID()} ${JSON.stringify(pass)}`;

const readPass = (text: string): Pass => JSON.parse(text.slice(text.indexOf(' ') + 1)) as Pass;
