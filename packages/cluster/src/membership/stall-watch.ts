import type { Clock } from '@stream-sessions/core';
import { momentOf, type Moment } from '@stream-sessions/core/spi';
import { PACE } from './lease.js';

/** Notices that this process has stood still for longer than its lease: others may have closed its visits. */
export class StallWatch {
  private lookedAt: Moment | undefined;
  private stalledAs: string | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly leaseMs: number,
  ) {}

  /** @param as The incarnation of this process; undefined: it has not joined */
  look(as: string | undefined): void {
    const { lookedAt } = this;
    const now = momentOf(this.clock);
    this.lookedAt = now;
    if (lookedAt === undefined || as === undefined) return;
    const gap = Math.max(now.wall - lookedAt.wall, now.monotonic - lookedAt.monotonic);
    if (gap > PACE * this.leaseMs) this.stalledAs = as;
  }

  /** Its incarnation while it stood still. Returned only once. */
  take(): string | undefined {
    const { stalledAs } = this;
    this.stalledAs = undefined;
    return stalledAs;
  }
}
