import type { SrtStatistics } from '../binding/statistics.js';

/**
 * Whether a player keeps up with its stream. It does not if packets for it are dropped, or nothing goes out although something is
 * waiting. libsrt accepts everything and drops what has waited for a second, so byte counts alone do not show it.
 */
export class StallRule {
  private keptUpAt: number;
  private sent = 0;
  private dropped = 0;

  constructor(
    private readonly timeoutMs: number,
    now: number,
  ) {
    this.keptUpAt = now;
  }

  /** True if it has not kept up for as long as the timeout, not even for a second. Called once a second. */
  isStalled({ packetsSent, packetsDropped, bytesWaiting }: SrtStatistics, now: number): boolean {
    const keepsUp = packetsDropped <= this.dropped && (packetsSent > this.sent || bytesWaiting === 0);
    this.sent = packetsSent;
    this.dropped = packetsDropped;
    // A clock without `monotonic()` that was set back must not make anyone wait longer.
    if (keepsUp || now < this.keptUpAt) this.keptUpAt = now;
    return this.timeoutMs > 0 && now - this.keptUpAt >= this.timeoutMs;
  }
}
