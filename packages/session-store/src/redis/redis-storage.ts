import type { Clock } from '@stream-sessions/core';
import { badOption, checkOptions, redisSender, systemClock, type RedisClient } from '@stream-sessions/core/spi';
import { nonceOf } from '../record/record.js';
import type { Storage, StoredSession, UpdateOptions, UpdateResult } from '../storage/storage.js';
import { checkPositive } from '../support/checks.js';
import { COMPARE_AND_SET } from './compare-and-set.lua.js';
import { RedisConnection } from './connection.js';
import { warnOfEviction } from './eviction-warning.js';
import { SessionIndex } from './session-index.js';

/** Options of {@link redisStorage}. */
export interface RedisStorageOptions {
  /** Precedes every key, and ends with `:`, such as `tv:session:`. */
  keyPrefix: string;
  /** The TTL for its manager, in milliseconds. Default: the manager decides. */
  ttlMs?: number | undefined;
  /** A command without a reply for this many milliseconds fails with `ERR_STORE_TIMEOUT`; default 3,000. */
  commandTimeoutMs?: number | undefined;
  /** The source of time for the index and the limits; sessions expire by the clock of Redis. Default: the wall clock. */
  clock?: Clock | undefined;
}

/** Attempts when others create and delete the same session concurrently. */
const TRIES = 3;
/** Sessions read at a time: each may be a megabyte. */
const READ_AT_ONCE = 20;

/**
 * Stores sessions in Redis 6.2 and later, or Valkey: standalone, behind Sentinel, or in a cluster. The client is yours, stays
 * open, and may be used for other things. Each session is a string under `{keyPrefix}{id}`, as ToolHive writes it; their ids are
 * in the sorted set `{keyPrefix}!index`.
 *
 * @param client A connected client of the npm package `redis` or `ioredis`; or `{ send(key, args) }` for another
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function redisStorage(client: RedisClient, options: RedisStorageOptions): Storage {
  checkOptions('redisStorage()', options, ['keyPrefix', 'ttlMs', 'commandTimeoutMs', 'clock']);
  const { keyPrefix, ttlMs, commandTimeoutMs = 3_000, clock = systemClock } = options;
  checkKeyPrefix(keyPrefix);
  checkPositive('commandTimeoutMs', commandTimeoutMs);
  if (ttlMs !== undefined) checkPositive('ttlMs', ttlMs);
  const connection = new RedisConnection(redisSender(client), commandTimeoutMs, clock);
  // a lost connection shows in the commands; without a listener, the event would end the process
  client.on?.('error', ignore);
  return new RedisStorage(connection, keyPrefix, ttlMs, clock, () => void client.off?.('error', ignore));
}

const ignore = (): void => undefined;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkKeyPrefix(keyPrefix: unknown): void {
  if (typeof keyPrefix !== 'string' || keyPrefix.length > 256 || !/.:$/s.test(keyPrefix)) {
    throw badOption('keyPrefix', 'a string that ends with ":", such as "tv:session:"', keyPrefix);
  }
}

const px = (ttlMs: number): string => String(Math.max(1, Math.ceil(ttlMs)));

export class RedisStorage implements Storage {
  private readonly index: SessionIndex;
  private ending: Promise<void> | undefined;
  private isChecked = false;

  constructor(
    private readonly connection: RedisConnection,
    private readonly prefix: string,
    readonly ttlMs: number | undefined,
    clock: Clock,
    private readonly dispose: () => unknown,
  ) {
    this.index = new SessionIndex(connection, prefix, clock);
  }

  async create(id: string, text: string, ttlMs: number): Promise<boolean> {
    this.checkPolicy();
    const key = this.prefix + id;
    await this.index.note(id, ttlMs);
    for (let tries = 0; tries < TRIES; tries++) {
      const reply = await this.connection.ask(key, ['SET', key, text, 'PX', px(ttlMs), 'NX']);
      if (reply !== null && reply !== undefined) return true;
      const existing = await this.connection.askText(key, ['GET', key]);
      // clients resend a command whose reply was lost: then the existing session is this very one
      if (existing !== undefined) return nonceOf(existing) !== undefined && nonceOf(existing) === nonceOf(text);
    }
    return false;
  }

  async update(id: string, text: string, { expected, ttlMs }: UpdateOptions): Promise<UpdateResult> {
    const key = this.prefix + id;
    // concurrently with the session, not before it: a known id is checked in time
    const noted = this.index.note(id, ttlMs);
    noted.catch(ignore);
    const command = ['EVAL', COMPARE_AND_SET, '1', key, expected ?? '', text, px(ttlMs)];
    const result = await this.connection.askNumber(key, command);
    await noted;
    if (result < 0) return 'absent';
    return result === 1 ? 'updated' : 'changed';
  }

  load(id: string, ttlMs: number): Promise<StoredSession | undefined> {
    const key = this.prefix + id;
    return this.connection.askStored(key, ['GETEX', key, 'PX', px(ttlMs)]);
  }

  peek(id: string): Promise<StoredSession | undefined> {
    const key = this.prefix + id;
    return this.connection.askStored(key, ['GET', key]);
  }

  async delete(id: string): Promise<boolean> {
    const key = this.prefix + id;
    const removed = await this.connection.askNumber(key, ['DEL', key]);
    await this.index.noteDeleted(id);
    return removed > 0;
  }

  /** Redis itself removes the sessions. This is about their ids. */
  deleteExpired(): Promise<number> {
    return this.index.prune();
  }

  async count(): Promise<number> {
    let count = 0;
    for await (const { length } of this.index.living()) count += length;
    return count;
  }

  async range(visit: (id: string, stored: StoredSession) => unknown): Promise<void> {
    for await (const ids of this.index.living()) {
      for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
        const some = ids.slice(at, at + READ_AT_ONCE);
        const found = await Promise.all(some.map((id) => this.peek(id)));
        for (const [i, id] of some.entries()) {
          const stored = found[i];
          if (stored !== undefined && (await visit(id, stored)) === false) return;
        }
      }
    }
  }

  close(): Promise<void> {
    this.ending ??= this.connection.close().then(async () => void (await this.dispose()));
    return this.ending;
  }

  private checkPolicy(): void {
    if (this.isChecked) return;
    this.isChecked = true;
    void warnOfEviction(this.connection);
  }
}
