/** What an event is about, for filters. */
export interface Topic {
  /** `session.opened` */
  readonly type: string;
  /** The kind of the session; undefined: the event is not about a session. */
  readonly kind: string | undefined;
  readonly streams: readonly string[];
}

/** One event in the form in which it is sent to every client that wants it. */
export interface Entry extends Topic {
  /** One more than that of the previous event. */
  readonly position: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
}

export const MAX_EVENTS = 10_000;
const MAX_AGE_MS = 5 * 60_000;
/** Characters: strangers can make rows long. */
const MAX_LENGTH = 16 * 1024 * 1024;
/** The share that is kept when there is too much. */
const KEPT = 0.9;
const LOOK_MS = 1000;

/**
 * The latest events, for clients that come back. Of events that supersede each other, only the newest is kept, so that the
 * changes of many viewers do not push out the few who come and go.
 */
export class Ring {
  /** The position of the latest event. */
  position = 0;
  /** Everything after this position is here. */
  private from = 0;
  private length = 0;
  private lookedAt = 0;
  private readonly entries = new Map<number, Entry>();
  /** The newest of the events that supersede each other, by what they are about. */
  private readonly newest = new Map<string, number>();

  /** @param about What a newer event of this kind makes obsolete, such as a visit. */
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

  /** This event is not kept: nobody can resume from before it. */
  pass(position: number): void {
    this.position = position;
    this.clear();
  }

  /** Everything said about these that can be superseded now is. */
  settle(...abouts: readonly string[]): void {
    for (const about of abouts) {
      const position = this.newest.get(about);
      if (position === undefined) continue;
      this.remove(position);
      this.newest.delete(about);
    }
  }

  /** Undefined: some of it is no longer here, or never was. */
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

  /** Removes many at once, and rarely: entries deleted from a Map slow down finding its first entry. */
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
