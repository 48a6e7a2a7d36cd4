import type { Connection } from './connection.js';
import type { Presence } from './presence.js';

/** A connection as it is kept, in order of the last heartbeat. */
export interface Entry {
  readonly id: string;
  readonly stream: string;
  readonly userId: string;
  readonly ip: string;
  readonly userAgent: string;
  /** Undefined: `heartbeat`. */
  readonly protocol: string | undefined;
  readonly connectedAt: number;
  lastHeartbeat: number;
  /** By the monotonic clock. */
  beatAt: number;
  /** Undefined: it comes from an earlier process, and has had no heartbeat in this one. */
  presence: Presence | undefined;
  /** The hash of its key in the state store; undefined without one. */
  readonly proof: string | undefined;
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** What apps see of it. */
export const asConnection = (entry: Entry): Connection => ({
  id: entry.id,
  sessionId: entry.stream,
  userId: entry.userId,
  clientIp: entry.ip,
  userAgent: entry.userAgent,
  connectedAt: entry.connectedAt,
  lastHeartbeat: entry.lastHeartbeat,
});

/**
 * All connections: by id, by stream, by address, and in order of silence, longest first. Those that have been silent for too long
 * are at one end, so that looking for them costs only what is found.
 */
export class Roster {
  private readonly byId = new Map<string, Entry>();
  private readonly byStream = new Map<string, Set<Entry>>();
  private readonly byAddress = new Map<string, number>();
  private expected = 0;
  private oldest: Entry | undefined = undefined;
  private newest: Entry | undefined = undefined;

  get size(): number {
    return this.byId.size;
  }

  /** With those that are expected. */
  get claimed(): number {
    return this.byId.size + this.expected;
  }

  get streams(): number {
    return this.byStream.size;
  }

  get(id: string): Entry | undefined {
    return this.byId.get(id);
  }

  of(stream: string): ReadonlySet<Entry> | undefined {
    return this.byStream.get(stream);
  }

  /** With those that are expected. */
  countOf(address: string): number {
    return this.byAddress.get(address) ?? 0;
  }

  /** A connection from this address may be added: until the returned function is called, it counts towards the limits. */
  expect(address: string): () => void {
    this.expected++;
    this.count(address, 1);
    return () => {
      this.expected--;
      this.count(address, -1);
    };
  }

  *all(): IterableIterator<Entry> {
    yield* this.byId.values();
  }

  add(entry: Entry): void {
    this.byId.set(entry.id, entry);
    const same = this.byStream.get(entry.stream);
    if (same === undefined) this.byStream.set(entry.stream, new Set([entry]));
    else same.add(entry);
    this.count(entry.ip, 1);
    this.append(entry);
  }

  /** Records a heartbeat now. */
  renew(entry: Entry): void {
    if (this.newest === entry) return;
    this.unlink(entry);
    this.append(entry);
  }

  /** False: it was not in the roster. */
  delete(entry: Entry): boolean {
    if (this.byId.get(entry.id) !== entry) return false;
    this.byId.delete(entry.id);
    const same = this.byStream.get(entry.stream);
    same?.delete(entry);
    if (same?.size === 0) this.byStream.delete(entry.stream);
    this.count(entry.ip, -1);
    this.unlink(entry);
    return true;
  }

  /** The connection that has been silent for longest, if its last heartbeat was not after `at`. */
  silentSince(at: number): Entry | undefined {
    return this.oldest !== undefined && this.oldest.beatAt <= at ? this.oldest : undefined;
  }

  private count(address: string, change: number): void {
    const count = this.countOf(address) + change;
    if (count > 0) this.byAddress.set(address, count);
    else this.byAddress.delete(address);
  }

  private append(entry: Entry): void {
    entry.older = this.newest;
    entry.newer = undefined;
    if (this.newest === undefined) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
  }

  private unlink({ older, newer }: Entry): void {
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
  }
}
