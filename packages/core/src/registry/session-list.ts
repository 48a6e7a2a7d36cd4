import { byPosition, type Position } from './cursor.js';

const CHUNK = 512;
const FRONT = 64;

/**
 * Visits in list order (opening time, then id), in chunks, so that finding a page anywhere among a million takes a binary search.
 * New visits nearly always come last, which is an append.
 */
export class SessionList<T extends Position> {
  private readonly chunks: T[][] = [];
  size = 0;

  static of<T extends Position>(visits: readonly T[]): SessionList<T> {
    const list = new SessionList<T>();
    for (const visit of [...visits].sort(byPosition)) list.insert(visit);
    return list;
  }

  insert(visit: T): void {
    this.size++;
    const last = this.chunks.at(-1);
    if (last === undefined || byPosition(last[last.length - 1] as T, visit) < 0) {
      if (last !== undefined && last.length < CHUNK) last.push(visit);
      else this.chunks.push([visit]);
      return;
    }
    const at = this.chunkOf(visit);
    const chunk = this.chunks[at] as T[];
    chunk.splice(indexIn(chunk, visit), 0, visit);
    if (chunk.length > CHUNK) this.chunks.splice(at + 1, 0, chunk.splice(CHUNK / 2));
  }

  /** Removes this very object. False: it is not in the list. */
  delete(visit: T): boolean {
    const at = this.chunkOf(visit);
    const chunk = this.chunks[at];
    // A look at the references, not at the visits they lead to: those are out of any cache.
    const index = chunk?.indexOf(visit) ?? -1;
    if (chunk === undefined || index < 0) return false;
    removeAt(chunk, index);
    this.size--;
    this.mergeAt(at, chunk);
    return true;
  }

  /** The oldest visit. */
  first(): T | undefined {
    return this.chunks[0]?.[0];
  }

  /** Calls `visit` in order, starting after `after`, until it returns false. */
  walk(after: Position | undefined, visit: (item: T) => boolean | void): void {
    let at = after === undefined ? 0 : this.chunkOf(after);
    let index = 0;
    if (after !== undefined) {
      const chunk = this.chunks[at];
      if (chunk === undefined) return;
      index = indexIn(chunk, after);
      const found = chunk[index];
      if (found !== undefined && byPosition(found, after) === 0) index++;
    }
    for (; at < this.chunks.length; at++, index = 0) {
      const chunk = this.chunks[at] as T[];
      for (; index < chunk.length; index++) if (visit(chunk[index] as T) === false) return;
    }
  }

  /** The same from newest to oldest, starting before `before`. */
  walkBack(before: Position | undefined, visit: (item: T) => boolean | void): void {
    let at = before === undefined ? this.chunks.length - 1 : Math.min(this.chunkOf(before), this.chunks.length - 1);
    const chunk = this.chunks[at];
    if (chunk === undefined) return;
    let index = (before === undefined ? chunk.length : indexIn(chunk, before)) - 1;
    for (;;) {
      for (; index >= 0; index--) if (visit((this.chunks[at] as T[])[index] as T) === false) return;
      if (--at < 0) return;
      index = (this.chunks[at] as T[]).length - 1;
    }
  }

  /** The first chunk whose last visit is not before the position, or else the last chunk. */
  private chunkOf(position: Position): number {
    const { chunks } = this;
    let low = 0;
    let high = chunks.length - 1;
    // Most are among the oldest or the newest: a search of all would touch a dozen visits, none of which is in a cache.
    if (high <= 0 || isBefore(position, chunks[0]?.at(-1))) return 0;
    if (isBefore(chunks[high]?.[0], position)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = chunks[middle] as T[];
      if (byPosition(chunk[chunk.length - 1] as T, position) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A chunk that has become sparse joins its neighbour, because each chunk has a memory overhead. */
  private mergeAt(at: number, chunk: T[]): void {
    if (chunk.length === 0) {
      this.chunks.splice(at, 1);
      return;
    }
    const next = this.chunks[at + 1];
    if (next === undefined || chunk.length >= CHUNK / 4 || chunk.length + next.length > CHUNK / 2) return;
    this.chunks.splice(at, 2, chunk.concat(next));
  }
}

/** Like `splice`, in a third of the time at the front, where the oldest are. */
function removeAt<T>(items: T[], index: number): void {
  if (index > FRONT) items.splice(index, 1);
  else {
    for (let at = index; at > 0; at--) items[at] = items[at - 1] as T;
    items.shift();
  }
}

const isBefore = (one: Position | undefined, other: Position | undefined): boolean =>
  one !== undefined && other !== undefined && byPosition(one, other) <= 0;

/** The first index in the chunk that is not before the position. */
function indexIn(chunk: readonly Position[], position: Position): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byPosition(chunk[middle] as Position, position) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
