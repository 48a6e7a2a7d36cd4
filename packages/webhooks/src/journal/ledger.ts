import type { JournalRecord, VisitMark } from './records.js';

/** An event that somebody still has to get, or may ask for, or whose visit is open. */
export interface Entry {
  readonly n: number;
  readonly id: string;
  readonly at: number;
  readonly type: string;
  readonly visit: string | undefined;
  /** Endpoints that have not got it yet. */
  readonly to: Set<string>;
  /** Endpoints that will not get it, unless somebody asks for it again. */
  readonly dead: Map<string, { readonly at: number; readonly error: string }>;
  /** Nothing has told of the end of its visit. */
  isOpen: boolean;
  /** Where it lies in the file. */
  offset: number;
  length: number;
}

/** What the journal says, in short: what is to be sent, dead letters, open visits, endpoints that are gone. */
export class Ledger {
  /** In the order in which they happened. */
  readonly entries = new Map<number, Entry>();
  readonly open = new Map<string, Entry>();
  readonly gone = new Set<string>();
  /** Bytes of the entries. */
  liveBytes = 0;
  next = 1;
  /** Time of the latest event. */
  lastAt = 0;

  /** @returns the entry of an event */
  apply(record: JournalRecord): Entry | undefined {
    if (record.k === 'event') return this.add(record.n, record.to, record.mark, record.event);
    if (record.k === 'gone') this.gone.add(record.e);
    else if (record.k === 'back') this.gone.delete(record.e);
    else this.settle(record);
    return undefined;
  }

  /** An entry has its place in the file. */
  place(entry: Entry, offset: number, length: number): void {
    if (this.entries.has(entry.n)) this.liveBytes += length - entry.length;
    entry.offset = offset;
    entry.length = length;
  }

  forget(entry: Entry): void {
    if (!this.entries.delete(entry.n)) return;
    this.liveBytes -= entry.length;
    if (entry.visit !== undefined && this.open.get(entry.visit) === entry) this.open.delete(entry.visit);
  }

  private add(
    n: number,
    to: readonly string[],
    mark: VisitMark | undefined,
    event: { id: string; at: number; type: string },
  ) {
    const { id, at, type } = event;
    const isOpen = mark?.is === 'open';
    const visit = mark?.visit;
    const entry: Entry = { n, id, at, type, visit, to: new Set(to), dead: new Map(), isOpen, offset: 0, length: 0 };
    this.next = Math.max(this.next, n + 1);
    this.lastAt = Math.max(this.lastAt, at);
    if (visit !== undefined) this.mark(visit, entry);
    this.entries.set(n, entry);
    this.forgetIfDone(entry);
    return entry;
  }

  private mark(visit: string, entry: Entry): void {
    const opened = this.open.get(visit);
    this.open.delete(visit);
    if (entry.isOpen) this.open.set(visit, entry);
    if (opened === undefined) return;
    opened.isOpen = false;
    this.forgetIfDone(opened);
  }

  private settle(record: Exclude<JournalRecord, { k: 'event' | 'gone' | 'back' }>): void {
    const entry = this.entries.get(record.n);
    if (entry === undefined) return;
    entry.to.delete(record.e);
    entry.dead.delete(record.e);
    if (record.k === 'dead') entry.dead.set(record.e, { at: record.at, error: record.error });
    if (record.k === 'again') entry.to.add(record.e);
    this.forgetIfDone(entry);
  }

  private forgetIfDone(entry: Entry): void {
    if (entry.to.size === 0 && entry.dead.size === 0 && !entry.isOpen) this.forget(entry);
  }
}
