import type { PlaySession } from '../types/play-session.js';
import type { LastWords } from '../types/explanation.js';
import { SessionIndex } from './session-index.js';

/** Visits that ended a short while ago, oldest dropped first. */
export class ClosedSessions {
  /** One per id: those who have not come back since. */
  readonly latest = new SessionIndex<PlaySession>();
  /** The others. */
  readonly superseded = new SessionIndex<PlaySession>();
  private readonly byId = new Map<string, PlaySession>();
  /** In the order they closed; `head` is the oldest still kept. */
  private queue: PlaySession[] = [];
  private head = 0;
  private readonly words = new WeakMap<PlaySession, LastWords>();

  constructor(
    public retentionMs: number,
    public max: number,
  ) {}

  /** `isBack`: its id is live again already, opened by what the cut of this visit caused. */
  add(visit: PlaySession, words: LastWords | undefined, isBack: boolean): void {
    if (this.max <= 0 || this.retentionMs <= 0) return;
    if (words !== undefined) this.words.set(visit, words);
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

  /** What `explain` has to say of it, besides. */
  why(visit: PlaySession): LastWords | undefined {
    return this.words.get(visit);
  }

  /** The latest closed visit with this id. */
  get(id: string): PlaySession | undefined {
    return this.byId.get(id);
  }

  /** Forgets what closed longer than the retention ago. Costs what it forgets. */
  expire(now: number): void {
    this.trim(this.max);
    while (this.head < this.queue.length) {
      const oldest = this.queue[this.head] as PlaySession;
      if (now - (oldest.closedAt as number) <= this.retentionMs) break;
      this.drop(oldest);
    }
  }

  private trim(max: number): void {
    while (this.queue.length - this.head > max) this.drop(this.queue[this.head] as PlaySession);
  }

  private drop(visit: PlaySession): void {
    this.head++;
    if (this.head > 1024 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    if (!this.latest.delete(visit)) this.superseded.delete(visit);
    if (this.byId.get(visit.id) === visit) this.byId.delete(visit.id);
  }
}
