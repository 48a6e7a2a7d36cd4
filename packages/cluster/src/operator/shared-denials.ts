import type { DenialRecord, Logger } from '@stream-sessions/core';
import { nextTurn, type ClusterPort, type VisitDirectory } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import type { Running } from '../log/cluster-log.js';
import type { TableRow } from '../log/entry.js';
import { lifted, made, readRecord, readWord, type DenialWord } from './denial-text.js';

export interface SharedDenialsParts {
  readonly port: Pick<ClusterPort, 'denialIds' | 'denials' | 'take' | 'enforce' | 'lift' | 'part' | 'end'>;
  /** Says something that stays in force; resolves with its number in the log. */
  readonly put: (running: Running) => Promise<number | undefined>;
  /** How much the clock of the cluster is ahead of this one. */
  readonly clockOffsetMs: () => number;
  /** Epoch milliseconds by the clock of the cluster. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** The number of denials looked at in one turn. */
const AT_ONCE = 200;
/** The number of ends remembered before checking which have passed. */
const FEW = 1_000;

/**
 * The operator's denials as one set for all nodes: those made or lifted here are said in the log, and those of others apply here.
 * While no other node can be reached, they apply only here, and are said later.
 */
export class SharedDenials implements Pick<VisitDirectory, 'denied' | 'lifted'> {
  /** Until when the denials said or heard here are in force, by id. */
  private readonly known = new Map<string, number>();
  /** For lifted denials: until when they would have been in force. */
  private readonly lifts = new Map<string, number>();
  private prunedAt = FEW;
  private saying: Promise<number | undefined> = Promise.resolve(0);

  constructor(private readonly parts: SharedDenialsParts) {}

  denied(record: DenialRecord): void {
    this.say(made(record, this.parts.clockOffsetMs()));
  }

  lifted(id: string): void {
    const until = this.known.get(id);
    // one that has ended, or gives way to a longer one that was taken from others
    if (until === undefined || until <= this.parts.now()) return;
    this.say(lifted(id, until));
  }

  /** Lifts a denial that is not among these; others know it as lifted until then. */
  liftUntil(id: string, until: number): void {
    this.say(lifted(id, until));
  }

  isLifted(id: string): boolean {
    return this.lifts.has(id);
  }

  /**
   * Resolves with the number in the log of the last entry said here.
   *
   * @throws StreamSessionsError ERR_CLUSTER_LINK, ERR_CLUSTER_ALONE (as rejections) if it could not be said
   */
  said(): Promise<number | undefined> {
    return this.saying;
  }

  /** Called for each log entry. False: it is not about a denial. */
  onSaid(body: string): boolean {
    const word = readWord(body);
    if (word === undefined) return false;
    for (const { id } of this.hear([word])) void this.parts.port.enforce([id]);
    this.prune();
    return true;
  }

  /** Called with what all nodes know. Returns what is known only here. */
  async onTable(portions: AsyncIterable<readonly TableRow[]>): Promise<readonly Running[]> {
    const { port } = this.parts;
    const ownDenials = new Set(port.denialIds());
    const ownLifts = new Map(this.lifts);
    const news: string[] = [];
    for await (const rows of portions) {
      for (let at = 0; at < rows.length; at += AT_ONCE) {
        const words = rows.slice(at, at + AT_ONCE).flatMap(({ body }) => readWord(body) ?? []);
        for (const { what, id } of words) (what === 'lifted' ? ownLifts : ownDenials).delete(id);
        for (const { id } of this.hear(words)) news.push(id);
        await nextTurn();
      }
    }
    await port.enforce(news);
    this.prune();
    const offset = this.parts.clockOffsetMs();
    const denials = port.denials(ownDenials).map((record) => made(record, offset));
    for (const { id, until } of denials) this.known.set(id, until);
    return [...denials, ...Array.from(ownLifts, ([id, until]) => lifted(id, until))];
  }

  private say(running: Running): void {
    if (running.body.startsWith('L')) this.lifts.set(running.id, running.until);
    else this.known.set(running.id, running.until);
    this.prune();
    this.saying = this.parts.put(running);
    // it applies here, and is said at the next check of the table
    this.saying.catch(() => undefined);
  }

  /** Returns the denials that are new here. */
  private hear(words: readonly DenialWord[]): readonly DenialRecord[] {
    const records: DenialRecord[] = [];
    const offset = this.parts.clockOffsetMs();
    for (const word of words) {
      if (word.what === 'lifted') {
        this.lift(word);
        continue;
      }
      if (this.known.has(word.id) || this.lifts.has(word.id)) continue;
      const record = readRecord(word.json, offset);
      if (record !== undefined) records.push(record);
      else this.parts.logger.warn({ id: word.id }, 'cluster: a denial of another node is damaged, and left out.');
    }
    this.admit(records);
    return records;
  }

  private admit(records: readonly DenialRecord[]): void {
    const { port, logger, clockOffsetMs } = this.parts;
    for (const { id, until } of records) this.known.set(id, until + clockOffsetMs());
    try {
      port.take(records);
    } catch (error) {
      if (records.length > 1) return records.forEach((record) => this.admit([record]));
      return logger.warn({ error }, `cluster: a denial of another node cannot be taken: ${wordsOf(error)}`);
    }
    for (const record of records) this.cut(record);
  }

  /** Cuts a viewer that another node has kicked, if it is here; one who came back since belongs to a new visit. */
  private cut({ by, target, since, detail }: DenialRecord): void {
    if (by !== 'kick' || target.session === undefined) return;
    const part = this.parts.port.part(target.session);
    if (part !== undefined && part.openedAt <= since) this.parts.port.end(part.id, part.openedAt, 'kicked', detail);
  }

  private lift({ id, until }: DenialWord & { what: 'lifted' }): void {
    this.lifts.set(id, this.known.get(id) ?? until);
    this.parts.port.lift(id);
  }

  /** Forgets denials that have ended. */
  private prune(): void {
    if (this.known.size + this.lifts.size < this.prunedAt) return;
    const now = this.parts.now();
    for (const ends of [this.known, this.lifts]) {
      for (const [id, until] of ends) if (until <= now) ends.delete(id);
    }
    this.prunedAt = Math.max(FEW, 2 * (this.known.size + this.lifts.size));
  }
}
