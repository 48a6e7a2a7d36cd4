import type { DenialRecord, Logger, SessionTracker } from '@stream-sessions/core';
import type { ClusterPort, VisitDirectory } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import type { Running } from '../log/cluster-log.js';
import { lifted, made, readRecord, readWord, type DenialWord } from './denial-text.js';

export interface SharedDenialsParts {
  readonly tracker: Pick<SessionTracker, 'exportDenials'>;
  readonly port: Pick<ClusterPort, 'take' | 'lift' | 'part' | 'end'>;
  /** Says something that stays in force; resolves with its number in the log. */
  readonly put: (running: Running) => Promise<number | undefined>;
  /** How much the clock of the cluster is ahead of this one. */
  readonly clockOffsetMs: () => number;
  /** Epoch milliseconds by the clock of the cluster. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** The number of denials taken over at once; between two batches, the event loop gets its turn. */
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
    if (word.what === 'lifted') this.lift(word);
    else if (!this.known.has(word.id) && !this.lifts.has(word.id)) this.take([this.read(word)]);
    this.prune();
    return true;
  }

  /** Called with what all nodes know. Returns what is known only here. */
  async onTable(bodies: readonly string[]): Promise<readonly Running[]> {
    const words = bodies.map(readWord).filter((word) => word !== undefined);
    const there = new Map(words.map((word) => [word.id, word.what]));
    for (const word of words) if (word.what === 'lifted') this.lift(word);
    const news = words.filter(({ id, what }) => what === 'made' && !this.known.has(id) && !this.lifts.has(id));
    for (let at = 0; at < news.length; at += AT_ONCE) {
      this.take(news.slice(at, at + AT_ONCE).map((word) => this.read(word as DenialWord & { what: 'made' })));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.prune();
    return this.missingFrom(there);
  }

  private missingFrom(there: ReadonlyMap<string, DenialWord['what']>): Running[] {
    const offset = this.parts.clockOffsetMs();
    const records = this.parts.tracker.exportDenials().filter(({ by, id }) => by !== 'policy' && !there.has(id));
    const denials = records.map((record) => made(record, offset));
    for (const { id, until } of denials) this.known.set(id, until);
    const lifts = [...this.lifts].filter(([id]) => there.get(id) !== 'lifted');
    return [...denials, ...lifts.map(([id, until]) => lifted(id, until))];
  }

  private say(running: Running): void {
    if (running.body.startsWith('L')) this.lifts.set(running.id, running.until);
    else this.known.set(running.id, running.until);
    this.prune();
    this.saying = this.parts.put(running);
    // it applies here, and is said at the next check of the table
    this.saying.catch(() => undefined);
  }

  private read({ json }: { readonly json: string }): DenialRecord {
    return readRecord(json, this.parts.clockOffsetMs());
  }

  private take(records: readonly DenialRecord[]): void {
    const { port, logger, clockOffsetMs } = this.parts;
    for (const { id, until } of records) this.known.set(id, until + clockOffsetMs());
    try {
      port.take(records);
    } catch (error) {
      if (records.length > 1) return records.forEach((record) => this.take([record]));
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
