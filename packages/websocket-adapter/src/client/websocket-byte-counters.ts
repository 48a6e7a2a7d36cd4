import type { Socket } from 'node:net';
import { SocketByteCounters } from '@stream-sessions/core/spi';
import type { ServerWebSocket } from '../server.js';

/**
 * Readings come once a second. If more time has passed, this process was asleep and could not have received anything.
 * Milliseconds.
 */
const LONGEST_STEP_MS = 2_000;

/** Clients that came together are not pinged together, but spread over time. */
const PARTS = 16;
let turn = 0;

/**
 * The bytes of a connection since its upgrade, in both directions, and how long its peer has been silent: a half-open connection
 * looks like a patient client until it is pinged.
 */
export class WebSocketByteCounters extends SocketByteCounters {
  private silentMs: number;
  private latest = 0;
  private heard = 0;
  private lookedAt: number | undefined = undefined;
  private isAsked = false;

  constructor(
    readonly ws: ServerWebSocket,
    socket: Socket,
    private readonly silenceTimeoutMs: number,
  ) {
    // Data that came with the request, or while it waited for its answer, has already been read from the socket.
    super(socket, socket.readableLength);
    this.silentMs = ((turn++ % PARTS) / PARTS / 2) * silenceTimeoutMs;
  }

  override received(): number {
    return (this.latest = super.received());
  }

  /** Includes what is still to be compressed. */
  override waiting(): number {
    return this.ws.bufferedAmount;
  }

  isGone(now: number): boolean {
    const { ws, silenceTimeoutMs } = this;
    if (silenceTimeoutMs === 0) return false;
    const stepMs = Math.min(Math.max(now - (this.lookedAt ?? now), 0), LONGEST_STEP_MS);
    this.lookedAt = now;
    // just read along with the bytes
    const received = this.latest;
    // If the app has paused it, nothing is received; and data waiting for it is queued ahead of every ping: the sampler then
    // decides whether it stalls.
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
}
