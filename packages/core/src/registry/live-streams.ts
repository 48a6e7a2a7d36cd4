import { ShardedMap } from '../collections/sharded-map.js';
import type { Session } from '../session/session.js';
import type { StreamSummary } from '../types/play-session.js';
import type { ActiveCount } from '../types/stats.js';
import { ServedStreams } from './served-streams.js';
import { StreamEntry } from './stream-entry.js';

/** The streams that are being watched or published now, and those that have been served recently. */
export class LiveStreams {
  readonly served = new ServedStreams();
  private readonly entries = new ShardedMap<StreamEntry>();

  get(code: string): StreamEntry | undefined {
    return this.entries.get(code);
  }

  /** The entry of a stream, for a session that is about to open on it. */
  entryFor(code: string): StreamEntry {
    return this.entries.get(code) ?? new StreamEntry(code);
  }

  enter(session: Session, entry: StreamEntry): void {
    if (entry.visits.size === 0) this.entries.set(entry.code, entry);
    entry.enter(session);
  }

  leave(session: Session, entry: StreamEntry | undefined): void {
    if (entry === undefined || !entry.leave(session)) return;
    if (entry.visits.size > 0) return;
    this.entries.delete(entry.code);
    if (entry.bytes > 0) this.served.add(entry.code);
  }

  /** The entries of all streams that this session is counted on. */
  *of(session: Session): IterableIterator<StreamEntry> {
    for (const code of session.streams) {
      const entry = this.entries.get(code);
      if (entry !== undefined) yield entry;
    }
  }

  /** Whether anything of this stream was ever served, as far as is remembered. */
  isServed(code: string): boolean {
    return this.bytesOf(code) > 0 || this.served.has(code);
  }

  viewersOf(code: string): number {
    return this.entries.get(code)?.counts.viewer ?? 0;
  }

  /** Bytes sent to anyone since the stream became live. */
  bytesOf(code: string): number {
    return this.entries.get(code)?.bytes ?? 0;
  }

  summaries(): StreamSummary[] {
    const summaries = [...this.entries.values()].map((entry) => entry.summary);
    return summaries.sort((a, b) => (a.stream < b.stream ? -1 : 1));
  }

  activeBy(): ActiveCount[] {
    const all: ActiveCount[] = [];
    for (const entry of this.entries.values()) entry.addActive(all);
    return all;
  }
}
