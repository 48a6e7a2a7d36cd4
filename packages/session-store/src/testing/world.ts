import { randomUUID } from 'node:crypto';
import type { Clock } from '@stream-sessions/core';
import { createManager, type Manager } from '../manager/create-manager.js';
import type { ManagerOptions } from '../manager/options.js';
import { encodeRecord } from '../record/record.js';
import type { Storage } from '../storage/storage.js';
import type { RunningStorage, StorageHarness } from './harness.js';

/** One rule that every storage keeps. */
export interface StorageCase {
  name: string;
  test: (world: StorageWorld) => Promise<void>;
}

/** Long enough that it does not expire during a case. */
export const LONG_MS = 600_000;

/** A fresh storage, the managers on it, and control of time. */
export class StorageWorld {
  readonly storage: Storage;
  readonly other: Storage;
  private readonly managers: Manager[] = [];

  private constructor(
    readonly subject: RunningStorage,
    /** For sessions that have to expire. */
    readonly ttlMs: number,
  ) {
    this.storage = subject.storage;
    this.other = subject.other ?? subject.storage;
  }

  /** Runs a case in a world of its own, which is stopped afterwards. */
  static async run(harness: StorageHarness, one: StorageCase): Promise<void> {
    const subject = await harness.start();
    const world = new StorageWorld(subject, harness.ttlMs ?? 1_000);
    try {
      await one.test(world);
    } finally {
      for (const manager of world.managers) await manager.stop();
      await world.storage.close();
      await world.other.close();
      await subject.stop?.();
    }
  }

  get now(): number {
    return this.subject.now?.() ?? Date.now();
  }

  /** Lets a share of the TTL pass. */
  async elapse(share: number): Promise<void> {
    await this.subject.elapse(Math.ceil(share * this.ttlMs));
  }

  /** A manager on this node, or on the other one. */
  manager(options: ManagerOptions = {}, storage: Storage = this.storage): Manager {
    const clock: Clock = {
      now: () => this.now,
      setTimeout: (fn, ms) => setTimeout(fn, ms),
      clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    };
    // a case may stop one manager and continue with the other: the world closes what they share
    const shared: Storage = new Proxy(storage, {
      get: (target, name) => {
        if (name === 'close') return async () => undefined;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
    const manager = createManager({ ttlMs: LONG_MS, clock, ...options, storage: shared });
    this.managers.push(manager);
    return manager;
  }

  /** The JSON of a session, different each time. */
  text(id: string, metadata: Record<string, string> = {}): string {
    const times = { createdAt: this.now, updatedAt: this.now };
    return encodeRecord({ id, type: 'mcp', ...times, metadata, data: '', nonce: randomUUID() });
  }
}

/** The ids that a storage or a manager iterates over. */
export async function idsOf(ranged: Pick<Storage | Manager, 'range'>): Promise<string[]> {
  const ids: string[] = [];
  await ranged.range((id: string) => void ids.push(id));
  return ids.sort();
}
