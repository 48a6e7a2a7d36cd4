import type { Position } from './cursor.js';
import { SessionList } from './session-list.js';

/** Visits in the order of lists, all of them and by stream. */
export class SessionIndex<T extends Position & { readonly streams: readonly string[] }> {
  private readonly all = new SessionList<T>();
  private readonly perStream = new Map<string, SessionList<T>>();

  get size(): number {
    return this.all.size;
  }

  /** The visits of a stream, or all; undefined when there are none. */
  of(stream: string | undefined): SessionList<T> | undefined {
    return stream ? this.perStream.get(stream) : this.all;
  }

  insert(visit: T): void {
    this.all.insert(visit);
    for (const stream of visit.streams) {
      let visits = this.perStream.get(stream);
      if (visits === undefined) this.perStream.set(stream, (visits = new SessionList()));
      visits.insert(visit);
    }
  }

  /** False: it is not there. */
  delete(visit: T): boolean {
    if (!this.all.delete(visit)) return false;
    for (const stream of visit.streams) {
      const visits = this.perStream.get(stream);
      visits?.delete(visit);
      if (visits?.size === 0) this.perStream.delete(stream);
    }
    return true;
  }
}
