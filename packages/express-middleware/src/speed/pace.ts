/** How often waiting responses are looked at. What is due in between waits for the next look, and loses nothing. */
const LOOK_MS = 50;

/** What waits for time to pass. */
export interface Paced {
  /** Sends what may be sent by now. False when nothing waits any more. */
  look(now: number): boolean;
}

/** Monotonic milliseconds: a clock that is set must not stop or flood anybody. */
export const monotonic = (): number => performance.now();

/** The one timer of this process for all who wait for their speed limit. It stops when nobody waits. */
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

  /** How many sessions wait. */
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
