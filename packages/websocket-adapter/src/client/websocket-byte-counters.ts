import type { Socket } from 'node:net';
import { SocketByteCounters, type ByteCounters } from '@stream-sessions/core/spi';
import type { ServerWebSocket } from '../server.js';

/** Readings come once a second. Of a longer time this process was asleep: nobody could have been heard. */
const LONGEST_STEP_MS = 2_000;

/** Those who came together are not pinged together: a part of them each second. */
const PARTS = 16;
let turn = 0;

/**
 * The bytes of a connection since its upgrade, both ways, and how long nothing was heard of its peer: a half-open connection
 * looks like a patient client, until it is pinged.
 */
export class WebSocketByteCounters implements ByteCounters {
  private silentMs: number;
  private latest = 0;
  private heard = 0;
  private lookedAt: number | undefined = undefined;
  private isAsked = false;
  private readonly bytes: SocketByteCounters;
  /** What came with the request, or while it waited for its answer: it has been read from the socket before. */
  private readonly early: number;

  constructor(
    private readonly ws: ServerWebSocket,
    socket: Socket,
    private readonly silenceTimeoutMs: number,
  ) {
    this.bytes = new SocketByteCounters(socket);
    this.early = socket.readableLength;
    this.silentMs = ((turn++ % PARTS) / PARTS / 2) * silenceTimeoutMs;
  }

  sent(): number {
    return this.bytes.sent();
  }

  received(): number {
    return this.early + (this.latest = this.bytes.received());
  }

  /** Also what is still to be compressed. */
  waiting(): number {
    return this.ws.bufferedAmount;
  }

  isGone(now: number): boolean {
    const { ws, silenceTimeoutMs } = this;
    if (silenceTimeoutMs === 0) return false;
    const stepMs = Math.min(Math.max(now - (this.lookedAt ?? now), 0), LONGEST_STEP_MS);
    this.lookedAt = now;
    // read just now, with the bytes
    const received = this.latest;
    // An app that has paused it hears nothing; and what waits for it stands before every ping: the sampler says if it stalls.
    if (received > this.heard || ws.isPaused || ws.bufferedAmount > 0) {
      this.heard = received;
      this.silentMs = 0;
      this.isAsked = false;
      return false;
    }
    this.silentMs += stepMs;
    if (!this.isAsked && this.silentMs >= silenceTimeoutMs / 2) {
      this.isAsked = true;
      ws.ping();
    }
    return this.silentMs >= silenceTimeoutMs;
  }

  release(): void {
    this.bytes.release();
  }
}
