import type { Clock, StateRecords } from '@stream-sessions/core';
import { everyMs, ownCopy } from '@stream-sessions/core/spi';
import type { NewConnection } from './connection.js';
import { checkNew, copyOf } from './new-connection.js';
import type { Entry, Roster } from './roster.js';

/** How often a part of all connections is stored again, and how long it takes for all of them. */
const SLICE_MS = 1_000;
const ROUND_MS = 30_000;
/** The number of records read before the event loop gets its turn. */
const AT_ONCE = 256;

/** A connection of an earlier process. */
export interface LeftConnection {
  readonly connection: NewConnection & { readonly id: string };
  readonly connectedAt: number;
  readonly lastHeartbeat: number;
  readonly proof: string | undefined;
}

/**
 * Connections in the tracker's state store. What names their viewers is not stored, and their keys only as hashes: pages send
 * both again.
 */
export class KeptConnections {
  private walk: IterableIterator<Entry> = [][Symbol.iterator]();

  constructor(
    private readonly records: StateRecords,
    private readonly clock: Clock,
  ) {}

  /** Connections with a recent heartbeat. The records of all others are deleted. */
  async *left(withinMs: number): AsyncGenerator<LeftConnection> {
    let count = 0;
    for (const [id, record] of await this.records.take()) {
      const left = readRecord(id, record);
      if (left !== undefined && left.lastHeartbeat >= this.clock.now() - withinMs) yield left;
      else this.records.set(id, undefined);
      if (++count % AT_ONCE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  proofOf(key: string): string {
    return this.records.hash(key);
  }

  /** Called when a connection has begun, or had a heartbeat since it was stored. */
  write({ id, stream, userId, ip, userAgent, protocol, connectedAt, lastHeartbeat, proof }: Entry): void {
    const who = { stream, ip, agent: userAgent, ...(userId !== '' && { user: userId }), ...(protocol && { protocol }) };
    this.records.set(id, { ...who, since: connectedAt, at: lastHeartbeat, proof });
  }

  forget(id: string): void {
    this.records.set(id, undefined);
  }

  /** Stores the times of the latest heartbeats periodically, so that no heartbeat pays for it. */
  start(roster: Roster): () => void {
    let since = this.clock.now();
    let next = since;
    return everyMs(this.clock, SLICE_MS, () => {
      for (let left = Math.ceil((roster.size * SLICE_MS) / ROUND_MS); left > 0; left--) {
        const step = this.walk.next();
        if (step.done === true) {
          this.walk = roster.all();
          [since, next] = [next, this.clock.now()];
          return;
        }
        // the clock may have been set back
        if (step.value.lastHeartbeat >= Math.min(since, next)) this.write(step.value);
      }
    });
  }
}

/** Undefined: it is not a valid record. */
function readRecord(id: string, record: unknown): LeftConnection | undefined {
  const { stream, ip, agent, user, protocol, since, at, proof } = (record ?? {}) as Record<string, unknown>;
  const texts = { sessionId: stream, clientIp: ip, userAgent: agent, userId: user, protocol } as NewConnection;
  if (typeof since !== 'number' || typeof at !== 'number') return undefined;
  try {
    checkNew({ ...texts, id });
    const kept = copyOf(texts);
    const own = typeof proof === 'string' ? ownCopy(proof) : undefined;
    return { connection: { ...kept, id: ownCopy(id) }, connectedAt: since, lastHeartbeat: at, proof: own };
  } catch {
    return undefined;
  }
}
