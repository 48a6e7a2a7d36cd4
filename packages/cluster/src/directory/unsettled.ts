import type { Clock } from '@stream-sessions/core';
import { inTime } from '@stream-sessions/core/spi';

/** Work that is not done yet, for who leaves and waits for it. */
export class Unsettled {
  private readonly all = new Set<Promise<void>>();

  constructor(private readonly clock: Clock) {}

  get isEmpty(): boolean {
    return this.all.size === 0;
  }

  add(work: Promise<void>): void {
    const done = work.finally(() => this.all.delete(done));
    this.all.add(done);
  }

  /** Resolves when all of it is done, or after so many milliseconds. */
  async settled(ms: number): Promise<void> {
    await inTime(Promise.all(this.all), ms, this.clock);
  }
}
