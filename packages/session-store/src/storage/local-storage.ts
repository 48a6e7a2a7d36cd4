import type { Clock } from '@stream-sessions/core';
import { badOption, checkClock, checkOptions, systemClock } from '@stream-sessions/core/spi';
import { storeClosed, storeFull } from '../errors.js';
import { checkPositive } from '../support/checks.js';
import type { Storage, StoredSession, UpdateOptions, UpdateResult } from './storage.js';

/** Options of {@link localStorage}. */
export interface LocalStorageOptions {
  /** More sessions than this are refused with `ERR_STORE_FULL`; default 1,000,000. */
  maxSessions?: number | undefined;
  /** The TTL for its manager, in milliseconds. Default: the manager decides. */
  ttlMs?: number | undefined;
  /** The source of time. Default: the wall clock. */
  clock?: Clock | undefined;
}

interface Entry extends StoredSession {
  text: string;
  endsAt: number;
}

/** Several small maps, because a large one blocks while it grows or shrinks. */
const SHARDS = 256;
/** The number of sessions examined before the event loop gets its turn: some 200 µs. */
const SLICE = 500;

/** Stores sessions in the memory of this process, with which they end. For a single node, and for tests. */
export function localStorage(options: LocalStorageOptions = {}): Storage {
  checkOptions('localStorage()', options, ['maxSessions', 'ttlMs', 'clock']);
  const { maxSessions = 1_000_000, ttlMs, clock = systemClock } = options;
  if (!Number.isInteger(maxSessions) || maxSessions < 1)
    throw badOption('maxSessions', 'a whole number from 1', maxSessions);
  if (ttlMs !== undefined) checkPositive('ttlMs', ttlMs);
  checkClock(clock);
  return new LocalStorage(maxSessions, ttlMs, clock);
}

class LocalStorage implements Storage {
  private shards = Array.from({ length: SHARDS }, () => new Map<string, Entry>());
  private size = 0;
  private isClosed = false;

  constructor(
    private readonly maxSessions: number,
    readonly ttlMs: number | undefined,
    private readonly clock: Clock,
  ) {}

  async create(id: string, text: string, ttlMs: number): Promise<boolean> {
    const shard = this.shardOf(id);
    const existing = shard.get(id);
    const now = this.clock.now();
    if (existing !== undefined && existing.endsAt > now) return false;
    if (existing === undefined) {
      if (this.size >= this.maxSessions) {
        throw storeFull(`There are ${this.maxSessions} sessions, as many as localStorage({ maxSessions }) allows.`);
      }
      this.size++;
    }
    shard.set(id, { text, endsAt: now + ttlMs, decoded: undefined });
    return true;
  }

  async update(id: string, text: string, { expected, ttlMs }: UpdateOptions): Promise<UpdateResult> {
    const entry = this.living(id);
    if (entry === undefined) return 'absent';
    if (expected !== undefined && entry.text !== expected) return 'changed';
    const decoded = entry.text === text ? entry.decoded : undefined;
    this.shardOf(id).set(id, { text, endsAt: this.clock.now() + ttlMs, decoded });
    return 'updated';
  }

  async load(id: string, ttlMs: number): Promise<StoredSession | undefined> {
    const now = this.clock.now();
    const entry = this.living(id, now);
    if (entry !== undefined) entry.endsAt = now + ttlMs;
    return entry;
  }

  async peek(id: string): Promise<StoredSession | undefined> {
    return this.living(id);
  }

  async delete(id: string): Promise<boolean> {
    const wasThere = this.living(id) !== undefined;
    this.remove(this.shardOf(id), id);
    return wasThere;
  }

  async deleteExpired(): Promise<number> {
    let removed = 0;
    await this.eachInSlices((shard, id, entry) => {
      // checked and removed in one step, since the session may have been touched or replaced meanwhile
      if (entry.endsAt > this.clock.now()) return;
      this.remove(shard, id);
      removed++;
    });
    return removed;
  }

  async count(): Promise<number> {
    let count = 0;
    await this.eachInSlices((_shard, _id, entry) => {
      if (entry.endsAt > this.clock.now()) count++;
    });
    return count;
  }

  async range(visit: (id: string, stored: StoredSession) => unknown): Promise<void> {
    let looked = 0;
    for (const shard of this.open()) {
      for (const [id, entry] of shard) {
        if (entry.endsAt > this.clock.now() && (await visit(id, entry)) === false) return;
        if (++looked % SLICE === 0) await othersTurn();
        if (this.isClosed) return;
      }
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.shards = [];
    this.size = 0;
  }

  private async eachInSlices(look: (shard: Map<string, Entry>, id: string, entry: Entry) => void): Promise<void> {
    let looked = 0;
    for (const shard of this.open()) {
      for (const [id, entry] of shard) {
        look(shard, id, entry);
        if (++looked % SLICE === 0) await othersTurn();
        if (this.isClosed) return;
      }
    }
  }

  private living(id: string, now = this.clock.now()): Entry | undefined {
    const entry = this.shardOf(id).get(id);
    return entry !== undefined && entry.endsAt > now ? entry : undefined;
  }

  private remove(shard: Map<string, Entry>, id: string): void {
    if (shard.delete(id)) this.size--;
  }

  private open(): Map<string, Entry>[] {
    if (this.isClosed) throw storeClosed();
    return this.shards;
  }

  /** By the last characters, which differ even if ids are sequential. */
  private shardOf(id: string): Map<string, Entry> {
    const { length } = id;
    const hash = id.charCodeAt(length - 1) * 31 + id.charCodeAt(length - 2) * 17 + id.charCodeAt(length - 3);
    return this.open()[hash % SHARDS] as Map<string, Entry>;
  }
}

const othersTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
