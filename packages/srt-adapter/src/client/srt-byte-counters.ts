import type { CloseReason, ConnHandle } from '@stream-sessions/core';
import { monotonic, systemClock, type ByteCounters, type ConnectionSettings } from '@stream-sessions/core/spi';
import type { SrtStatistics } from '../binding/statistics.js';
import type { SrtConnection } from '../source.js';
import { StallRule } from './stall-rule.js';

/** Bytes that a player may send: it has no reason to send any. */
const MAX_SAID = 64 * 1024;

/** Read once a second: bytes for the books and, with them, the state of the network for the session's tags. */
export class SrtByteCounters implements ByteCounters {
  private readonly rule: StallRule;
  private over = false;
  private taggable = true;

  constructor(
    private readonly connection: SrtConnection,
    private readonly handle: ConnHandle,
    private readonly settings: ConnectionSettings,
    /** Cuts a player. Undefined for a publisher, which receives nothing and may send a lot. */
    private readonly cut: ((reason: CloseReason) => void) | undefined,
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
    if (this.cut !== undefined && this.connection.bytesReceived > MAX_SAID) this.end(this.cut, 'transport_error');
    const statistics = this.connection.statistics?.();
    if (statistics === undefined) return;
    this.tag(statistics);
    if (this.cut !== undefined && this.rule.isStalled(statistics, this.now())) this.end(this.cut, 'stalled');
  }

  private end(cut: (reason: CloseReason) => void, reason: CloseReason): void {
    this.over = true;
    // Not during a reading.
    queueMicrotask(() => cut(reason));
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
      // the session already has the maximum number of tags
      this.taggable = false;
    }
  }

  private now(): number {
    return monotonic(this.settings.clock ?? systemClock);
  }
}
