import type { SrtStatistics } from '../binding/statistics.js';

/**
 * Whether a player keeps up with its stream. It does not while packets for it are given up, or nothing goes out of what waits.
 * libsrt itself takes all that it is given, and gives up what has waited for a second: bytes alone do not show it.
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

  /** True when it has not kept up for as long as the timeout, not for one second. Asked about once a second. */
  isStalled({ packetsSent, packetsDropped, bytesWaiting }: SrtStatistics, now: number): boolean {
    const keepsUp = packetsDropped <= this.dropped && (packetsSent > this.sent || bytesWaiting === 0);
    this.sent = packetsSent;
    this.dropped = packetsDropped;
    // A clock that was set back must not make anybody wait longer.
    if (keepsUp || now < this.keptUpAt) this.keptUpAt = now;
    return this.timeoutMs > 0 && now - this.keptUpAt >= this.timeoutMs;
  }
}
