/** What an event is about, for filters. */
export interface Topic {
  /** `session.opened` */
  readonly type: string;
  /** Of the session; undefined: it is not about one. */
  readonly kind: string | undefined;
  readonly streams: readonly string[];
}

/** One event, as it is sent to everybody who wants it. */
export interface Entry extends Topic {
  /** One more than that of the event before. */
  readonly position: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

export const MAX_EVENTS = 10_000;
const MAX_AGE_MS = 5 * 60_000;
/** Characters: rows can be made long by strangers. */
const MAX_LENGTH = 16 * 1024 * 1024;
/** What is left of too much. */
const KEPT = 0.9;
const LOOK_MS = 1000;

/**
 * The latest events, for clients that come back. Of what is superseded only the newest is kept, so that many who watch do not
 * push out the few who come and go.
 */
export class Ring {
  /** Of the latest event. */
  position = 0;
  /** What came after this position is here. */
  private from = 0;
  private length = 0;
  private lookedAt = 0;
  private readonly entries = new Map<number, Entry>();
  /** The newest of those that supersede each other, by what they are about. */
  private readonly newest = new Map<string, number>();

  /** @param about what a newer one of this kind makes superfluous, such as a visit */
  add(entry: Entry, about?: string): void {
    const { position } = entry;
    this.position = position;
    if (about !== undefined) {
      // at the end, so that the oldest names come first
      this.settle(about);
      this.newest.set(about, position);
    }
    this.entries.set(position, entry);
    this.length += entry.text.length;
    this.forgetOld(entry.at);
  }

  /** The event here is not kept: nobody can go on from before it. */
  pass(position: number): void {
    this.position = position;
    this.clear();
  }

  /** All that was said about these, and could be superseded, is. */
  settle(...abouts: readonly string[]): void {
    for (const about of abouts) {
      const position = this.newest.get(about);
      if (position === undefined) continue;
      this.remove(position);
      this.newest.delete(about);
    }
  }

  /** Undefined: some of it is not here any more, or never was. */
  after(position: number): Iterable<Entry> | undefined {
    if (position < this.from || position > this.position) return undefined;
    return this.later(position);
  }

  /** Nobody can resume from here. */
  clear(): void {
    this.from = this.position;
    if (this.entries.size === 0) return;
    this.entries.clear();
    this.newest.clear();
    this.length = 0;
  }

  private *later(position: number): Iterable<Entry> {
    if (position === this.position) return;
    for (const entry of this.entries.values()) if (entry.position > position) yield entry;
  }

  /** Some at once, and seldom: what was taken out of a Map is in the way of whoever looks for its first entry. */
  private forgetOld(now: number): void {
    const isTooMuch = this.entries.size > MAX_EVENTS || this.length > MAX_LENGTH;
    if (!isTooMuch && now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    const share = isTooMuch ? KEPT : 1;
    for (const entry of this.entries.values()) {
      const isLittle = this.entries.size <= MAX_EVENTS * share && this.length <= MAX_LENGTH * share;
      if (isLittle && now - entry.at <= MAX_AGE_MS) break;
      this.remove(entry.position);
      this.from = entry.position;
    }
    for (const [about, position] of this.newest) {
      if (position > this.from) break;
      this.newest.delete(about);
    }
  }

  private remove(position: number): void {
    const entry = this.entries.get(position);
    if (entry === undefined) return;
    this.entries.delete(position);
    this.length -= entry.text.length;
  }
}
