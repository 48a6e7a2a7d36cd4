import type { JournalRecord, VisitMark } from './records.js';

/**
 * Where an event is stored in the file. Once an event has been delivered to all, this is all that is kept of a visit until it
 * ends.
 */
export interface Place {
  /** Its number. */
  readonly n: number;
  /** Negative: not written yet. */
  offset: number;
  /** Bytes. 0: no longer needed. */
  length: number;
}

/** What is still needed of an event. */
export interface Needed {
  readonly place: Place;
  readonly visit: string | undefined;
  /** Endpoints that have not received it yet. */
  readonly to: Set<string>;
  /** Endpoints that will not receive it unless it is requested again. */
  readonly dead: Map<string, { readonly at: number; readonly error: string }>;
}

/** An event that is still to be delivered, or may be requested again. */
export interface Entry extends Needed {
  readonly id: string;
  readonly at: number;
  readonly type: string;
}

const NOBODY: Needed['to'] = new Set();
const NOTHING: Needed['dead'] = new Map();

/** The state of the journal: what is to be sent, dead letters, open visits, endpoints that are gone. */
export class Ledger {
  /** In the order in which they happened. */
  readonly entries = new Map<number, Entry>();
  /** The latest event of each visit whose end has not been reported. There are as many as viewers, so little is kept of each. */
  readonly open = new Map<string, Place>();
  readonly gone = new Set<string>();
  /** Bytes still needed. */
  liveBytes = 0;
  next = 1;
  /** Time of the latest event. */
  lastAt = 0;

  /**
   * @param offset The start of its line; negative if it is not written yet
   * @returns the entry of an event
   */
  apply(record: JournalRecord, offset: number, length: number): Entry | undefined {
    if (record.k === 'event') return this.add(record, { n: record.n, offset, length });
    if (record.k === 'gone') this.gone.add(record.e);
    else if (record.k === 'back') this.gone.delete(record.e);
    else this.settle(record);
    return undefined;
  }

  /** Its line has moved. */
  move(place: Place, offset: number, length: number): void {
    if (place.length === 0) return;
    this.liveBytes += length - place.length;
    place.offset = offset;
    place.length = length;
  }

  /** In the order in which they happened. */
  needed(): (Needed | Entry)[] {
    const all: (Needed | Entry)[] = [...this.entries.values()];
    for (const [visit, place] of this.open)
      if (!this.entries.has(place.n)) all.push({ place, visit, to: NOBODY, dead: NOTHING });
    return all.sort((a, b) => a.place.n - b.place.n);
  }

  isOpen({ visit, place }: Pick<Needed, 'visit' | 'place'>): boolean {
    return visit !== undefined && this.open.get(visit) === place;
  }

  forget(needed: Pick<Needed, 'visit' | 'place'>): void {
    const { visit, place } = needed;
    this.entries.delete(place.n);
    if (visit !== undefined && this.isOpen(needed)) this.open.delete(visit);
    this.release(place);
  }

  private add({ n, to, mark, event }: JournalRecord & { readonly k: 'event' }, place: Place): Entry {
    const { id, at, type } = event;
    const entry: Entry = { place, id, at, type, visit: mark?.visit, to: new Set(to), dead: new Map() };
    this.next = Math.max(this.next, n + 1);
    this.lastAt = Math.max(this.lastAt, at);
    this.liveBytes += place.length;
    if (mark !== undefined) this.mark(mark, place);
    this.entries.set(n, entry);
    this.forgetIfDone(entry);
    return entry;
  }

  private mark({ visit, is }: VisitMark, place: Place): void {
    const before = this.open.get(visit);
    this.open.delete(visit);
    if (is === 'open') this.open.set(visit, place);
    if (before !== undefined && !this.entries.has(before.n)) this.release(before);
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
    if (entry.to.size > 0 || entry.dead.size > 0) return;
    this.entries.delete(entry.place.n);
    if (!this.isOpen(entry)) this.release(entry.place);
  }

  private release(place: Place): void {
    this.liveBytes -= place.length;
    place.length = 0;
  }
}
