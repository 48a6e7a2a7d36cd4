import type { Session } from '../session/session.js';
import type { PlaySession } from '../types/play-session.js';
import { SessionIndex } from './session-index.js';

/** What lists consist of. A visit that ended on another node appears in the form in which it was reported. */
export type Row = Session | PlaySession;

/**
 * Visits that ended a short while ago; the oldest is dropped first. The sessions themselves are kept: copies would have to be
 * made when thousands end together, and most are never asked for.
 */
export class ClosedSessions {
  /** One per id: visits whose id is not live again. */
  readonly latest = new SessionIndex<Row>();
  /** The others. */
  readonly superseded = new SessionIndex<Row>();
  private readonly byId = new Map<string, Row>();
  /** In the order in which they closed; `head` is the oldest still kept. */
  private queue: Row[] = [];
  private head = 0;

  constructor(
    public retentionMs: number,
    public max: number,
  ) {}

  /** `isBack`: the id is live again already, opened as a result of cutting this visit. */
  add(visit: Row, isBack: boolean): void {
    if (this.max <= 0 || this.retentionMs <= 0) return;
    this.queue.push(visit);
    const before = this.byId.get(visit.id);
    const isLatest = before === undefined || before.openedAt <= visit.openedAt;
    if (isLatest) {
      if (before !== undefined && this.latest.delete(before)) this.superseded.insert(before);
      this.byId.set(visit.id, visit);
    }
    (isLatest && !isBack ? this.latest : this.superseded).insert(visit);
    this.trim(this.max);
  }

  /** A later visit with this id has begun. */
  supersede(id: string): void {
    const before = this.byId.get(id);
    if (before !== undefined && this.latest.delete(before)) this.superseded.insert(before);
  }

  /** The latest closed visit with this id. */
  get(id: string): Row | undefined {
    return this.byId.get(id);
  }

  /** Removes visits that closed longer ago than the retention period. The cost depends only on those. */
  expire(now: number): void {
    this.trim(this.max);
    while (this.head < this.queue.length) {
      const oldest = this.queue[this.head] as Row;
      if (now - (oldest.closedAt as number) <= this.retentionMs) break;
      this.drop(oldest);
    }
  }

  private trim(max: number): void {
    while (this.queue.length - this.head > max) this.drop(this.queue[this.head] as Row);
  }

  private drop(visit: Row): void {
    this.head++;
    if (this.head > 1024 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    if (!this.latest.delete(visit)) this.superseded.delete(visit);
    if (this.byId.get(visit.id) === visit) this.byId.delete(visit.id);
  }
}
