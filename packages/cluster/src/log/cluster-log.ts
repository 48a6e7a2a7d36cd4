import { randomUUID } from 'node:crypto';
import { RecentMap } from '@stream-sessions/core/spi';
import { LOG_BUCKET, type ClusterLink } from '../link/link.js';
import type { Membership } from '../membership/membership.js';
import { follows, isSame, isUpTo, readEntry, readRow, type LogEntry, type Position } from './entry.js';
import { APPEND, endsOf, EPOCH, HEAD, LOG, READ_HEAD, READ_TABLE, SHARDS, shardOf, tableOf } from './log-steps.js';

/** Something that runs until it ends, or is lifted. */
export interface Running {
  readonly id: string;
  /** Epoch milliseconds by the clock of the cluster. */
  readonly until: number;
  /** Begins with `L` if it lifts what had this id before: that stays lifted. */
  readonly body: string;
}

export interface ClusterLogParts {
  readonly link: ClusterLink;
  readonly membership: Membership;
  /** Entries in the table at the most. */
  readonly maxEntries: number;
  /** What somebody said, in order; the own ones are among them. */
  readonly onSaid: (body: string) => void;
  /** All that runs, in the order in which it was said. Returns what this node knows of and the table lacks. */
  readonly onTable: (bodies: readonly string[]) => readonly Running[] | Promise<readonly Running[]>;
  /** Where to read again from the beginning. */
  readonly rewind: () => void;
}

const NOWHERE: Position = { n: -1, tag: '', epoch: '' };
const AT_ONCE = 200;

/**
 * What all nodes hear in one order, and a table of what runs. A node knows by number, tag and epoch whether it has heard all;
 * if not (the log was trimmed, Redis came back empty or has lost its last second), it reads the table and puts back what
 * is missing there.
 */
export class ClusterLog {
  private position = NOWHERE;
  /** Where it began to listen. */
  private beginning: Position | undefined;
  /** Tags of what was heard: numbers come twice when Redis loses its last second. */
  private readonly heardTags = new RecentMap<true>({ max: 4_096 });
  /** What was heard while the table was read. */
  private meanwhile: LogEntry[] | undefined;
  private reading: Promise<void> | undefined;
  private behind: Position | undefined;
  /** Something that runs could not be said: others learn of it when the table is read. */
  private owes = false;
  private readonly waiting = new Set<{ readonly n: number; readonly done: () => void }>();

  constructor(private readonly parts: ClusterLogParts) {}

  /** Whether it has heard all that is in the log, as far as it knows. */
  get isWhole(): boolean {
    return this.position.n >= 0 && this.reading === undefined;
  }

  /** Says something that lasts no longer than it takes to hear it. Resolves to its number. */
  async say(body: string): Promise<number> {
    const { membership } = this.parts;
    return Number(await membership.run(APPEND, LOG_BUCKET, [EPOCH, LOG, HEAD], [randomUUID(), body]));
  }

  /**
   * Says something that runs. Resolves to its number; 0: it is known, or was lifted, or has ended. What could not be said is said
   * when the table is read next, which the next check does.
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

  /** For the follower of the channel. */
  heard(texts: readonly string[]): void {
    for (const text of texts) {
      const entry = readEntry(text);
      if (entry === undefined || this.heardTags.get(entry.tag)) continue;
      if (this.beginning !== undefined && isUpTo(entry, this.beginning)) continue;
      this.heardTags.set(entry.tag, true);
      this.hear(entry);
    }
  }

  /** From here on: what runs is read, and what is said is heard. The channel is followed already. */
  begin(): Promise<void> {
    this.beginning = undefined;
    return this.readTable();
  }

  /** Compares with the head: a reader may sleep without knowing. */
  async check(): Promise<void> {
    const head = await this.readHead();
    const { position, behind, owes } = this;
    if ((isSame(head, position) && !owes) || this.reading !== undefined) return;
    const isAhead = head.epoch === position.epoch && head.n > position.n;
    // what was said a moment ago may be on its way; what was there at the last look is not
    this.behind = isAhead ? head : undefined;
    if (isAhead && !owes && (behind === undefined || behind.epoch !== position.epoch || position.n >= behind.n)) return;
    this.parts.rewind();
    await this.readTable();
  }

  /** Reads what runs, tells of it, and puts back what is missing. */
  private readTable(): Promise<void> {
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private hear(entry: LogEntry): void {
    this.parts.onSaid(entry.body);
    if (this.meanwhile !== undefined) return void this.meanwhile.push(entry);
    if (follows(entry, this.position)) return this.moveTo(entry);
    // where this fails, the next check sees it again
    this.readTable().catch(() => undefined);
  }

  private async read(): Promise<void> {
    this.meanwhile = [];
    try {
      const head = await this.readHead();
      const rows = await Promise.all(Array.from({ length: SHARDS }, (_, shard) => this.readShard(shard)));
      const known = rows.flat().sort((a, b) => a.n - b.n);
      const missing = await this.parts.onTable(known.map(({ body }) => body));
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

  private async readShard(shard: number): Promise<{ n: number; body: string }[]> {
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
