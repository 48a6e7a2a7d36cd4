import type { RequestHandle } from '@stream-sessions/core';
import { limitLate } from '../speed/limit-speed.js';
import type { BodyCounter, BodyObserver } from './body-counter.js';

/**
 * An admitted response in progress: reports its bytes to the tracker while it runs and when it ends, and is severed when the
 * tracker says so.
 */
export class Transfer implements BodyObserver {
  nextObserver: BodyObserver | undefined;
  private reported = 0;
  private seenHanded = 0;
  private seenLarge = 0;
  private done = false;

  constructor(
    private readonly body: BodyCounter,
    readonly handle: RequestHandle,
    /** The tracker of the handle. */
    readonly tracker: unknown,
    /** Called when a response with content has ended. */
    private readonly onEnded: (() => void) | undefined,
  ) {
    this.nextObserver = body.observers;
    body.observers = this;
    handle.onCut(() => this.cut());
  }

  begun(): void {
    if (this.body.res.statusCode < 400) this.handle.served();
  }

  /** Credits what has been sent since the last call, unless the client is holding it up. */
  sample(): void {
    if (this.done) return;
    if (this.keepsUp()) this.handle.touch(this.unreported());
    limitLate(this.body, this.handle);
  }

  /** The client has taken something since the last check, or there is nothing to take. */
  private keepsUp(): boolean {
    const handed = this.body.handed();
    const large = this.body.takenOfLargeWrite();
    const progress = handed > this.seenHanded || large > this.seenLarge;
    this.seenHanded = handed;
    this.seenLarge = large;
    return progress || handed === this.body.written;
  }

  ended(): void {
    if (this.onEnded === undefined) return;
    if (this.body.counts || this.body.res.statusCode === 304) this.onEnded();
  }

  closed(): void {
    if (this.done) return;
    this.done = true;
    this.handle.end(this.unreported());
  }

  private cut(): number {
    if (this.done) return 0;
    this.done = true;
    this.body.freeze();
    this.body.sever();
    this.body.settle();
    return this.unreported();
  }

  private unreported(): number {
    if (!this.body.counts) return 0;
    const handed = this.body.handed();
    const added = Math.max(0, handed - this.reported);
    this.reported += added;
    return added;
  }
}
