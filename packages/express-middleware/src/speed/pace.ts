/**
 * How often waiting responses are checked. What falls due in between waits for the next check, and loses nothing. Milliseconds.
 */
const LOOK_MS = 50;

/** Something that waits for time to pass. */
export interface Paced {
  /** Sends what may be sent by now. False if nothing is waiting any more. */
  look(now: number): boolean;
}

/** Monotonic milliseconds: setting the clock must neither stop nor flood anyone. */
export const monotonic = (): number => performance.now();

/** The only timer of this process for responses that wait for their speed limit. It stops when none is waiting. */
class Pace {
  private readonly waiting = new Set<Paced>();
  private timer: NodeJS.Timeout | undefined = undefined;

  wait(paced: Paced): void {
    this.waiting.add(paced);
    this.timer ??= setInterval(() => this.look(), LOOK_MS).unref();
  }

  leave(paced: Paced): void {
    this.waiting.delete(paced);
    if (this.waiting.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** The number of waiting sessions. */
  get size(): number {
    return this.waiting.size;
  }

  get isAsleep(): boolean {
    return this.timer === undefined;
  }

  private look(): void {
    const now = monotonic();
    for (const paced of this.waiting) if (!paced.look(now)) this.leave(paced);
  }
}

export const pace = new Pace();
