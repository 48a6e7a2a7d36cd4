import type { Clock } from '@stream-sessions/core';

/** A wait that can be cut short; one at a time. */
export class Pause {
  private timer: unknown;
  private done: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  for(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.done = resolve;
      this.timer = this.clock.setTimeout(() => this.end(), ms);
    });
  }

  end(): void {
    this.clock.clearTimeout(this.timer);
    this.done?.();
    this.done = undefined;
  }
}
