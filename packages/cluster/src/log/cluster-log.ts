import { randomUUID } from 'node:crypto';
import { RecentMap } from '@stream-sessions/core/spi';
import { LOG_BUCKET, type ClusterLink } from '../link/link.js';
import type { Membership } from '../membership/membership.js';
import { follows, isSame, isUpTo, readEntry, readRow, type LogEntry, type Position, type TableRow } from './entry.js';
import { APPEND, endsOf, EPOCH, HEAD, LOG, READ_HEAD, READ_TABLE, SHARDS, shardOf, tableOf } from './log-steps.js';

/** An entry that is in force until it ends, or is lifted. */
export interface Running {
  readonly id: string;
  /** Epoch milliseconds by the clock of the cluster. */
  readonly until: number;
  /** Begins with `L` if it lifts the earlier entry with this id, which stays lifted. */
  readonly body: string;
}

export interface ClusterLogParts {
  readonly link: ClusterLink;
  readonly membership: Membership;
  /** The most entries in the table. */
  readonly maxEntries: number;
  /** Called for each entry, in order, including this node's own. */
  readonly onSaid: (body: string) => void;
  /**
   * Called with everything in force, in portions, each in any order; the next ones are read while one is being worked on. Resolves with
   * what this node knows and the table lacks.
   */
  readonly onTable: (portions: AsyncIterable<readonly TableRow[]>) => Promise<readonly Running[]>;
  /** Delivers the channel again from its beginning. */
  readonly rewind: () => void;
}

const NOWHERE: Position = { n: -1, tag: '', epoch: '' };
const AT_ONCE = 200;
/** How many portions of the table are on their way at once: a far Redis would take long, one by one. */
const READ_AHEAD = 16;

/**
 * What all nodes hear in one order, and a table of what is in force. By number, tag and epoch, a node knows whether it has heard
 * everything; if not (the log was trimmed, Redis came back empty or has lost its last second), it reads the table and restores
 * what is missing there.
 */
export class ClusterLog {
  private position = NOWHERE;
  /** Where it began to listen. */
  private beginning: Position | undefined;
  /** Tags of entries heard: numbers repeat when Redis loses its last second. */
  private readonly heardTags = new RecentMap<true>({ max: 4_096 });
  /** Entries heard while the table was being read. */
  private meanwhile: LogEntry[] | undefined;
  private reading: Promise<void> | undefined;
  private behind: Position | undefined;
  /** Something in force could not be said: others learn of it when the table is read. */
  private owes = false;
  private readonly waiting = new Set<{ readonly n: number; readonly done: () => void }>();

  constructor(private readonly parts: ClusterLogParts) {}

  /** True if it has heard everything in the log, as far as it knows. */
  get isWhole(): boolean {
    return this.position.n >= 0 && this.reading === undefined;
  }

  /** Says something that matters only at the moment it is heard. Resolves with its number. */
  async say(body: string): Promise<number> {
    const { membership } = this.parts;
    return Number(await membership.run(APPEND, LOG_BUCKET, [EPOCH, LOG, HEAD], [randomUUID(), body]));
  }

  /**
   * Says something that stays in force. Resolves with its number; 0: it is known, was lifted, or has ended. What could not be
   * said is said when the table is next read, which the next check does.
   */
  async put({ id, until, body }: Running): Promise<number> {
    const { membership, maxEntries } = this.parts;
    const shard = shardOf(id);
    const most = Math.max(1, Math.ceil((2 * maxEntries) / SHARDS));
    const keys = [EPOCH, LOG, HEAD, tableOf(shard), endsOf(shard)];
    const args = [randomUUID(), body, id, String(Math.round(until)), String(most)];
    try {
      return Number(await membership.run(APPEND, LOG_BUCKET, keys, args));
    } catch (error) {
      this.owes = true;
      throw error;
    }
  }

  /** Resolves when this node has heard that entry. */
  reached(n: number): Promise<void> {
    if (this.position.n >= n) return Promise.resolve();
    return new Promise((done) => this.waiting.add({ n, done }));
  }

  /** Called by the follower of the channel. */
  heard(texts: readonly string[]): void {
    for (const text of texts) {
      const entry = readEntry(text);
      if (entry === undefined || this.heardTags.get(entry.tag)) continue;
      if (this.beginning !== undefined && isUpTo(entry, this.beginning)) continue;
      this.heardTags.set(entry.tag, true);
      this.hear(entry);
    }
  }

  /** From here on, the table is read and the log is heard. The channel must be followed already. */
  begin(): Promise<void> {
    this.beginning = undefined;
    return this.readTable();
  }

  /** Compares with the head, because a reader may be stuck without noticing. */
  async check(): Promise<void> {
    const head = await this.readHead();
    const { position, behind, owes } = this;
    if ((isSame(head, position) && !owes) || this.reading !== undefined) return;
    const isAhead = head.epoch === position.epoch && head.n > position.n;
    // an entry of a moment ago may still be on its way; one that was there at the last check is not
    this.behind = isAhead ? head : undefined;
    if (isAhead && !owes && (behind === undefined || behind.epoch !== position.epoch || position.n >= behind.n)) return;
    this.parts.rewind();
    await this.readTable();
  }

  /** Reads what is in force, passes it on, and restores what is missing. */
  private readTable(): Promise<void> {
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private hear(entry: LogEntry): void {
    this.parts.onSaid(entry.body);
    if (this.meanwhile !== undefined) return void this.meanwhile.push(entry);
    if (follows(entry, this.position)) return this.moveTo(entry);
    // if this fails, the next check notices it again
    this.readTable().catch(() => undefined);
  }

  private async read(): Promise<void> {
    this.meanwhile = [];
    try {
      const head = await this.readHead();
      const missing = await this.parts.onTable(this.portions());
      this.owes = false;
      this.behind = undefined;
      this.beginning ??= head;
      this.moveTo(head);
      for (const entry of this.meanwhile) if (follows(entry, this.position)) this.moveTo(entry);
      this.meanwhile = undefined;
      for (let at = 0; at < missing.length; at += AT_ONCE) {
        await Promise.all(missing.slice(at, at + AT_ONCE).map((running) => this.put(running)));
      }
    } finally {
      this.meanwhile = undefined;
    }
  }

  private async *portions(): AsyncGenerator<readonly TableRow[], void> {
    const ahead: Promise<readonly TableRow[]>[] = [];
    for (let shard = 0; shard < SHARDS + READ_AHEAD; shard++) {
      if (shard < SHARDS) {
        const rows = this.readShard(shard);
        // if it fails while earlier ones are being worked on, that is noticed afterwards
        rows.catch(() => undefined);
        ahead.push(rows);
      }
      if (shard >= READ_AHEAD) yield (await ahead.shift()) ?? [];
    }
  }

  private async readShard(shard: number): Promise<readonly TableRow[]> {
    const rows = await this.parts.link.run(READ_TABLE, LOG_BUCKET, [tableOf(shard), endsOf(shard)], []);
    return (rows as readonly string[]).map(readRow);
  }

  private async readHead(): Promise<Position> {
    const reply = await this.parts.link.run(READ_HEAD, LOG_BUCKET, [HEAD, EPOCH], []);
    const [n, tag, epoch] = reply as readonly [number, string, string];
    return { n, tag, epoch };
  }

  private moveTo({ n, tag, epoch }: Position): void {
    this.position = { n, tag, epoch };
    for (const each of this.waiting) {
      if (each.n > n) continue;
      this.waiting.delete(each);
      each.done();
    }
  }
}
