import type { ConnHandle } from '@stream-sessions/core';
import type { Flow, VisitSettings } from '@stream-sessions/core/spi';
import type { SrtStatistics } from '../binding/statistics.js';
import type { SrtConnection } from '../source.js';
import { StallRule } from './stall-rule.js';

/** Read once a second: bytes for the books, and with them the network's state for the session's tags. */
export class CallerFlow implements Flow {
  private readonly rule: StallRule;
  private over = false;
  private taggable = true;

  constructor(
    private readonly connection: SrtConnection,
    private readonly handle: ConnHandle,
    private readonly settings: VisitSettings,
    /** Undefined: it is not for it to take anything. */
    private readonly onStalled: (() => void) | undefined,
  ) {
    this.rule = new StallRule(settings.stallTimeoutMs, this.now());
  }

  sent(): number {
    if (!this.over) this.look();
    return this.connection.bytesSent;
  }

  received(): number {
    return this.connection.bytesReceived;
  }

  release(): void {
    this.over = true;
  }

  private look(): void {
    const statistics = this.connection.statistics?.();
    if (statistics === undefined) return;
    this.tag(statistics);
    if (this.onStalled === undefined || !this.rule.isStalled(statistics, this.now())) return;
    this.over = true;
    // Not in the middle of a reading.
    queueMicrotask(this.onStalled);
  }

  private tag({ rttMs, packetsLost, packetsRetransmitted, packetsDropped }: SrtStatistics): void {
    if (!this.taggable) return;
    try {
      this.handle.tag({
        srt_rtt_ms: rttMs.toFixed(1),
        srt_packets_lost: String(packetsLost),
        srt_packets_retransmitted: String(packetsRetransmitted),
        srt_packets_dropped: String(packetsDropped),
      });
    } catch {
      // somebody has given it all the tags that a session may have
      this.taggable = false;
    }
  }

  private now(): number {
    return this.settings.clock?.now() ?? Date.now();
  }
}
