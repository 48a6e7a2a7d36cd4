import { mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '@stream-sessions/core';
import { lockFile } from '@stream-sessions/core/spi';
import { inUse } from '../in-use.js';
import type { JournalRecord } from '../types/visit-row.js';
import { Segment } from './segment.js';

/** How important a record is when space is short: a closing contains the whole visit, progress hardly anything. */
export type Weight = keyof typeof SHARES;

/** The share of the journal up to which each weight is accepted. */
const SHARES = { progress: 0.5, denial: 0.5, opened: 0.9, closed: 1 } as const;
const MAX_SEGMENT_BYTES = 4 * 1024 * 1024;
/** The most records also kept in memory; the others are read from their files. */
const MAX_IN_MEMORY = 20_000;
const NAME = /^\d{10}\.jsonl$/;

/**
 * What the database has not taken yet, in the files of a folder, in order. Everything is written there first, so that nothing is
 * lost when this process dies; after a crash, records that were already taken come again, which changes nothing.
 */
export class Journal {
  /** Records for which there was no room. */
  lost = 0;
  /** In bytes. */
  size = 0;
  private readonly segments: Segment[] = [];
  private inMemory = 0;
  private next = 1;
  private isBroken = false;
  private isFull = false;

  private constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
    private readonly logger: Logger,
    private readonly unlock: () => void,
  ) {}

  /** @throws StreamSessionsError ERR_HISTORY_IN_USE, or a file-system error */
  static open(folder: string, maxBytes: number, logger: Logger): Journal {
    const whole = path.resolve(folder);
    mkdirSync(whole, { recursive: true, mode: 0o700 });
    const journal = new Journal(
      whole,
      maxBytes,
      logger,
      lockFile(whole, (pid) => inUse(whole, pid)),
    );
    for (const name of readdirSync(whole)
      .filter((each) => NAME.test(each))
      .sort()) {
      const file = path.join(whole, name);
      const segment = Segment.left(file, statSync(file).size);
      journal.segments.push(segment);
      journal.size += segment.bytes;
      journal.next = Number.parseInt(name, 10) + 1;
    }
    return journal;
  }

  get isEmpty(): boolean {
    return this.segments.length === 0;
  }

  /** There is a segment that will get nothing more, so the writer need not wait for more to come. */
  get isBehind(): boolean {
    return this.segments.length > 1;
  }

  /** False: there is no room for it. */
  add(record: JournalRecord, weight: Weight): boolean {
    const isFull = this.size >= this.maxBytes * SHARES[weight];
    if (isFull || (this.isBroken && this.inMemory >= MAX_IN_MEMORY)) return this.lose(weight);
    const segment = this.active();
    const before = segment.bytes;
    segment.add(record, (error) => this.broken(error));
    this.size += segment.bytes - before;
    if (segment.records !== undefined) this.inMemory++;
    return true;
  }

  /** The oldest segment, for the database; undefined if there is none. It stays until `done`. */
  oldest(): Segment | undefined {
    return this.segments[0];
  }

  /** Seals the oldest segment: new records go into another one. */
  seal(): void {
    if (this.segments.length === 1) this.begin();
  }

  /** The oldest segment is in the database. */
  async done(segment: Segment): Promise<void> {
    this.segments.shift();
    this.size -= segment.bytes;
    this.inMemory -= segment.records?.length ?? 0;
    if (this.segments.length === 1 && this.segments[0]?.bytes === 0) this.segments.pop();
    this.isFull = false;
    if (segment.isSafe) this.isBroken = false;
    await segment.remove();
  }

  async close(): Promise<void> {
    for (const segment of this.segments) await segment.close();
    this.unlock();
  }

  private active(): Segment {
    const last = this.segments.at(-1);
    if (last === undefined) return this.begin();
    if (last.records === undefined || last.bytes >= MAX_SEGMENT_BYTES) {
      this.forget(last);
      return this.begin();
    }
    return last;
  }

  private begin(): Segment {
    const segment = new Segment(path.join(this.folder, `${String(this.next++).padStart(10, '0')}.jsonl`));
    this.segments.push(segment);
    return segment;
  }

  /** Drops the in-memory records of a segment if there are many, since they are also in its file. */
  private forget(segment: Segment): void {
    if (this.inMemory < MAX_IN_MEMORY || !segment.isSafe || segment === this.segments[0]) return;
    this.inMemory -= segment.records?.length ?? 0;
    segment.records = undefined;
  }

  private broken(error: unknown): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.logger.error(
      { err: error, folder: this.folder },
      'the journal of history cannot be written: it is kept in memory',
    );
  }

  private lose(weight: Weight): false {
    this.lost++;
    if (!this.isFull) {
      this.isFull = true;
      const facts = { folder: this.folder, bytes: this.size, maxBytes: this.maxBytes, first: weight };
      this.logger.error(
        facts,
        'the journal of history is full: events are lost until the database accepts those that wait',
      );
    }
    return false;
  }
}
