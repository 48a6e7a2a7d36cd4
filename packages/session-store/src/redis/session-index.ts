import type { Clock } from '@stream-sessions/core';
import type { RedisConnection } from './connection.js';
import { PRUNE_INDEX } from './prune-index.lua.js';

/** Ids examined at once. */
const BATCH = 250;
/** Batches that one clean-up examines: a million ids. */
const MOST_BATCHES = 4_000;
/**
 * The id of a deleted session is kept this long, because somebody who recreates it at the same moment may have noted it just
 * before. Milliseconds.
 */
const GRACE_MS = 60_000;
/** For a key without an expiry, written by another program. */
const ENDLESS_MS = 86_400_000;

interface Checked {
  /** Those whose sessions exist. */
  readonly living: string[];
  readonly removed: number;
}

/**
 * The ids of all sessions, in a sorted set by the time at which they end: Redis cannot count keys by their prefix. It is not part
 * of any script on a session, which a cluster may store on another node, so it only lists what to check: an id is added before
 * its session is, and readers ask for the keys themselves.
 */
export class SessionIndex {
  readonly key: string;

  constructor(
    private readonly connection: RedisConnection,
    private readonly prefix: string,
    private readonly clock: Clock,
  ) {
    this.key = `${prefix}!index`;
  }

  /** A session with this id is about to be stored. */
  async note(id: string, ttlMs: number): Promise<void> {
    await this.connection.ask(this.key, ['ZADD', this.key, 'GT', String(this.clock.now() + ttlMs), id]);
  }

  /** A session with this id was deleted. */
  async noteDeleted(id: string): Promise<void> {
    await this.connection.ask(this.key, ['ZADD', this.key, 'XX', 'LT', String(this.clock.now() + GRACE_MS), id]);
  }

  /** Each id whose session exists, once, a batch at a time. */
  async *living(): AsyncGenerator<string[]> {
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const reply = await this.connection.askList(this.key, ['ZSCAN', this.key, cursor, 'COUNT', String(BATCH)]);
      cursor = String(reply[0]);
      const pairs = Array.isArray(reply[1]) ? reply[1].map(String) : [];
      // Redis may return an id twice while the set grows or shrinks
      const ids = pairs.filter((id, i) => i % 2 === 0 && !seen.has(id));
      for (const id of ids) seen.add(id);
      for (let at = 0; at < ids.length; at += BATCH) yield (await this.check(ids.slice(at, at + BATCH))).living;
    } while (cursor !== '0');
  }

  /** Checks the sessions that should have ended. Returns how many have. */
  async prune(): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < MOST_BATCHES; batch++) {
      const now = String(this.clock.now());
      const due = ['ZRANGEBYSCORE', this.key, '-inf', now, 'LIMIT', '0', String(BATCH)];
      const ids = (await this.connection.askList(this.key, due)).map(String);
      if (ids.length > 0) removed += (await this.check(ids)).removed;
      if (ids.length < BATCH) break;
    }
    return removed;
  }

  /** Asks for the keys; moves the ends of those that still exist, and removes those that have ended. */
  private async check(ids: string[]): Promise<Checked> {
    const now = this.clock.now();
    const left = await Promise.all(
      ids.map((id) => this.connection.askNumber(this.prefix + id, ['PTTL', this.prefix + id])),
    );
    const living: string[] = [];
    const gone: string[] = [];
    const ends: string[] = [];
    ids.forEach((id, i) => {
      const ttlMs = left[i] === -1 ? ENDLESS_MS : (left[i] as number);
      if (ttlMs < 0) return void gone.push(id);
      living.push(id);
      ends.push(String(now + Math.max(1, ttlMs)), id);
    });
    if (ends.length > 0) await this.connection.ask(this.key, ['ZADD', this.key, 'XX', 'GT', ...ends]);
    if (gone.length === 0) return { living, removed: 0 };
    const prune = ['EVAL', PRUNE_INDEX, '1', this.key, String(now), ...gone];
    return { living, removed: await this.connection.askNumber(this.key, prune) };
  }
}
