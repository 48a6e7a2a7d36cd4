import type { PlaySession } from '../model/play-session.js';
import type { LastWords } from '../tracker/explain.js';
import { SortedVisits } from './sorted-visits.js';

/** Visits that ended a short while ago, oldest dropped first. */
export class ClosedVisits {
  readonly all = new SortedVisits<PlaySession>();
  private readonly perStream = new Map<string, SortedVisits<PlaySession>>();
  private readonly latest = new Map<string, PlaySession>();
  /** In the order they closed; `head` is the oldest still kept. */
  private queue: PlaySession[] = [];
  private head = 0;
  private readonly words = new WeakMap<PlaySession, LastWords>();

  constructor(
    public retentionMs: number,
    public max: number,
  ) {}

  add(visit: PlaySession, words?: LastWords): void {
    if (this.max <= 0 || this.retentionMs <= 0) return;
    if (words !== undefined) this.words.set(visit, words);
    this.queue.push(visit);
    this.latest.set(visit.id, visit);
    this.all.insert(visit);
    for (const stream of visit.streams) {
      let visits = this.perStream.get(stream);
      if (visits === undefined) this.perStream.set(stream, (visits = new SortedVisits()));
      visits.insert(visit);
    }
    this.trim(this.max);
  }

  /** What `explain` has to say of it, besides. */
  why(visit: PlaySession): LastWords | undefined {
    return this.words.get(visit);
  }

  /** The latest closed visit with this id. */
  get(id: string): PlaySession | undefined {
    return this.latest.get(id);
  }

  ofStream(stream: string): SortedVisits<PlaySession> | undefined {
    return this.perStream.get(stream);
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
    this.all.delete(visit);
    if (this.latest.get(visit.id) === visit) this.latest.delete(visit.id);
    for (const stream of visit.streams) {
      const visits = this.perStream.get(stream);
      visits?.delete(visit);
      if (visits?.size === 0) this.perStream.delete(stream);
    }
  }
}
