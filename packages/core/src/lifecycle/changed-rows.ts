import type { Session } from '../session/session.js';
import type { Clock } from '../support/clock.js';

/** The number of sessions reported in one go; larger numbers are spread over time, to spare the event loop and the sinks. */
const SLICE = 256;

/** How long changes are collected, and over how much of the following interval their reports are spread. */
export interface Pace {
  readonly everyMs: number;
  readonly spreadMs: number;
}

/** Sessions that changed, reported once per interval. */
export class ChangedRows {
  private changed: Session[] = [];
  private timer: unknown = undefined;
  /** Changed in the previous interval; those from `toldTo` on have not been reported yet. */
  private telling: Session[] = [];
  private toldTo = 0;
  private rest: unknown = undefined;
  private pauseMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly pace: () => Pace,
    private readonly tell: (session: Session) => void,
  ) {}

  add(session: Session): void {
    this.changed.push(session);
    this.timer ??= this.clock.setTimeout(() => this.tellChanged(), this.pace().everyMs);
  }

  /** The interval has become shorter: pending changes are reported at its end. */
  hurry(): void {
    const left = this.telling.slice(this.toldTo).concat(this.changed);
    this.stop();
    this.changed = left;
    if (left.length > 0) this.timer = this.clock.setTimeout(() => this.tellChanged(), this.pace().everyMs);
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer);
    if (this.rest !== undefined) this.clock.clearTimeout(this.rest);
    this.timer = this.rest = undefined;
    this.changed = [];
    this.telling = [];
    this.toldTo = 0;
  }

  private tellChanged(): void {
    this.timer = undefined;
    const isBehind = this.toldTo < this.telling.length;
    this.telling = isBehind ? this.telling.slice(this.toldTo).concat(this.changed) : this.changed;
    this.toldTo = 0;
    this.changed = [];
    this.pauseMs = Math.floor(this.pace().spreadMs / Math.ceil(this.telling.length / SLICE));
    if (this.rest === undefined) this.tellSlice();
  }

  private tellSlice(): void {
    this.rest = undefined;
    const { telling } = this;
    const end = Math.min(this.toldTo + SLICE, telling.length);
    while (this.toldTo < end) {
      this.tell(telling[this.toldTo++] as Session);
      // whoever was told has stopped or hurried this
      if (this.telling !== telling) return;
    }
    if (end < telling.length) this.rest = this.clock.setTimeout(() => this.tellSlice(), this.pauseMs);
    else this.telling = [];
  }
}
