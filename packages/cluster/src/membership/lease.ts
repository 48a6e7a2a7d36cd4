import { randomBytes } from 'node:crypto';
import type { Clock } from '@stream-sessions/core';
import { momentOf, type Moment } from '@stream-sessions/core/spi';

/** The rates of two clocks of one machine may differ by this share. */
export const PACE = 0.99;

/**
 * What this process knows about its own lease, without asking. The lease began no earlier than it was requested, so here it ends
 * first. Either clock ends it: the monotonic one stands still while the machine sleeps, and the wall clock can be set back.
 */
export class Lease {
  private wallEnd = -Infinity;
  private monotonicEnd = -Infinity;

  constructor(private readonly clock: Clock) {}

  /** @param asked When it was requested. */
  renewed(asked: Moment, leaseMs: number): void {
    this.wallEnd = asked.wall + PACE * leaseMs;
    this.monotonicEnd = asked.monotonic + PACE * leaseMs;
  }

  end(): void {
    this.wallEnd = this.monotonicEnd = -Infinity;
  }

  get holds(): boolean {
    const now = momentOf(this.clock);
    return now.wall < this.wallEnd && now.monotonic < this.monotonicEnd;
  }
}

/** 48 bits: short, for each slot that it holds names it. */
export const newIncarnation = (): string => randomBytes(6).toString('base64url');
