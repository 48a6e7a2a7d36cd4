import type { Clock } from './clock.js';

/** A command that is waiting for its reply. */
export interface Waiting {
  readonly at: number;
  readonly expire: () => void;
  next: Waiting | undefined;
  previous: Waiting | undefined;
}

/** A time limit for many commands, with a single timer: all have the same limit, so the oldest is always due first. */
export class Deadlines {
  private oldest: Waiting | undefined;
  private newest: Waiting | undefined;
  private timer: unknown;

  constructor(
    private readonly limitMs: number,
    private readonly clock: Clock,
  ) {}

  /** `expire` is called unless the entry is removed within the limit. */
  add(expire: () => void): Waiting {
    const { newest } = this;
    const waiting = { at: this.clock.now() + this.limitMs, expire, next: undefined, previous: newest };
    if (newest === undefined) this.oldest = waiting;
    else newest.next = waiting;
    this.newest = waiting;
    // the timer is kept when the command is answered, and serves the next one
    this.timer ??= this.clock.setTimeout(this.onTime, this.limitMs);
    return waiting;
  }

  /** Whether any command is waiting for its reply. */
  get isWaiting(): boolean {
    return this.oldest !== undefined;
  }

  /** Safe to call for one that has expired. */
  remove(waiting: Waiting): void {
    const { next, previous } = waiting;
    if (previous !== undefined) previous.next = next;
    else if (this.oldest === waiting) this.oldest = next;
    else return;
    if (next !== undefined) next.previous = previous;
    else this.newest = previous;
    waiting.previous = waiting.next = undefined;
  }

  stop(): void {
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
  }

  private readonly onTime = (): void => {
    this.timer = undefined;
    const now = this.clock.now();
    for (let due = this.oldest; due !== undefined && due.at <= now; due = this.oldest) {
      this.remove(due);
      due.expire();
    }
    if (this.oldest !== undefined) this.timer = this.clock.setTimeout(this.onTime, Math.max(1, this.oldest.at - now));
  };
}
