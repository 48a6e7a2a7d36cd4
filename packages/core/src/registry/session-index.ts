import type { Position } from './cursor.js';
import { ownCopy } from '../support/strings.js';
import { SessionList } from './session-list.js';

/**
 * The most streams with a list of their own, since a stream that was asked for will be asked for again; beyond that, lists are
 * rebuilt on demand.
 */
const MAX_STREAMS = 4096;

/** Visits in list order: all of them, and those of the streams that somebody has asked for, which most never are. */
export class SessionIndex<T extends Position & { readonly streams: readonly string[] }> {
  private readonly all = new SessionList<T>();
  private readonly perStream = new Map<string, SessionList<T>>();

  get size(): number {
    return this.all.size;
  }

  /** The visits of a stream, or all. */
  of(stream: string | undefined): SessionList<T> {
    if (!stream || this.all.size === 0) return this.all;
    return this.perStream.get(stream) ?? this.list(stream);
  }

  insert(visit: T): void {
    this.all.insert(visit);
    if (this.perStream.size === 0) return;
    for (const stream of visit.streams) this.perStream.get(stream)?.insert(visit);
  }

  /** False: it is not in the index. */
  delete(visit: T): boolean {
    if (!this.all.delete(visit)) return false;
    if (this.perStream.size === 0) return true;
    for (const stream of visit.streams) this.perStream.get(stream)?.delete(visit);
    return true;
  }

  private list(stream: string): SessionList<T> {
    const visits = new SessionList<T>();
    this.all.walk(undefined, (visit) => {
      if (visit.streams.includes(stream)) visits.insert(visit);
    });
    if (this.perStream.size >= MAX_STREAMS) this.perStream.clear();
    this.perStream.set(ownCopy(stream), visits);
    return visits;
  }
}
