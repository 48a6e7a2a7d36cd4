import type { SrtStatistics } from '../binding/statistics.js';

/**
 * Whether a player takes its stream. It does not while more of it is given up than goes out, or nothing goes out of what
 * waits: libsrt takes all that it is given, and drops what is a second late.
 */
export class StallRule {
  private takenAt: number;
  private sent = 0;
  private dropped = 0;

  constructor(
    private readonly timeoutMs: number,
    now: number,
  ) {
    this.takenAt = now;
  }

  /** True when it has not taken its stream for as long as the timeout. Asked about once a second. */
  isStalled({ packetsSent, packetsDropped, bytesWaiting }: SrtStatistics, now: number): boolean {
    const went = packetsSent - this.sent;
    const lost = packetsDropped - this.dropped;
    this.sent = packetsSent;
    this.dropped = packetsDropped;
    const takes = went > lost || (lost === 0 && bytesWaiting === 0);
    // A clock that was set back must not make anybody wait longer.
    if (takes || now < this.takenAt) this.takenAt = now;
    return this.timeoutMs > 0 && now - this.takenAt >= this.timeoutMs;
  }
}
